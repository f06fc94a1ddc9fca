// Command integrate is a receiver of the line's events to copy: it verifies, keeps each once, answers 204.
//
//	WEBHOOK_SECRET=whsec_… go run docs/integrate/receiver.go [PORT]
//
// The standard library, nothing besides. Put it behind your TLS proxy; the line itself sends http to its own machine only.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance = 5 * time.Minute // what is older, or signed in the future, is refused
	largest   = 4 << 20
)

// verify says who the event is, where the line signed body within the last five minutes.
func verify(h http.Header, body []byte, secrets [][]byte) (id string, err error) {
	id, at := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return "", errors.New("too old, or a clock is wrong")
	}
	for _, key := range secrets {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, got := range strings.Fields(h.Get("webhook-signature")) {
			if hmac.Equal([]byte(got), []byte(want)) {
				return id, nil
			}
		}
	}
	return "", errors.New("not signed by the line")
}

// event is what a receiver needs of a CloudEvent; data holds the ticket.
type event struct {
	ID, Type, Subject string
	Data              json.RawMessage
}

// take hands the event to your case system. Types that you do not know are answered 2xx too.
func take(e event) {
	if e.Subject == "" {
		e.Subject = "-"
	}
	fmt.Println(e.ID, e.Type, e.Subject)
}

func main() {
	var secrets [][]byte
	for _, s := range strings.Fields(os.Getenv("WEBHOOK_SECRET")) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil {
			log.Fatal("WEBHOOK_SECRET is not whsec_ and base64")
		}
		secrets = append(secrets, key)
	}
	port := "9090"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	var mu sync.Mutex
	seen := map[string]bool{} // keep it where it outlives you: a table with the id as its key
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest)) // the bytes as they came: the signature is over them
		if err != nil {
			return
		}
		id, err := verify(r.Header, body, secrets)
		if err != nil {
			log.Print("refused: ", err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !seen[id] { // it may come again under the same id
			take(e)
			seen[id] = true
		}
		w.WriteHeader(http.StatusNoContent) // only now: the next event of this ticket comes after it
	})
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", ln.Addr().(*net.TCPAddr).Port)
	log.Fatal((&http.Server{ReadHeaderTimeout: 10 * time.Second}).Serve(ln))
}
