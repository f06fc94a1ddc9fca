package staffapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"aduan/internal/desk"
)

func (d *fakeDesk) Proof(_ context.Context, r desk.ProofRequest) (desk.ProofView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.seen(r.Viewer, r.Number); err != nil {
		return desk.ProofView{}, err
	}
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	n := desk.NoticeView{
		Message: smsID, TextHash: "abcdefghijklmnop", State: "delivered", Link: "<script>alert(1)</script>", Queued: &at, Accepted: &at, Delivered: &at, Agrees: true,
		Records: []desk.ProofMark{{What: "sent", At: at, Record: 7}, {What: "delivered", At: at}},
	}
	if r.Text != nil {
		same := *r.Text == "Tim datang besok."
		n.Same = &same
	}
	return desk.ProofView{
		Ticket: one.String(), Status: "<img src=x onerror=alert(1)>", FiledAt: at, MadeAt: at, Chain: "shard 07", Citizen: desk.CitizenView{Number: "+62•••••••123"},
		Notices: []desk.NoticeView{n},
	}, nil
}

func TestTheProofIsJSONAndAPageToPrint(t *testing.T) {
	a := newAPI(t, nil)
	if w := a.do(ask("GET", ticketPath("/proof"), "all", "")); w.Code != 200 || !strings.Contains(w.Body.String(), `"accepted":"2026-11-23T09:00:00Z"`) || !strings.Contains(w.Body.String(), `"same":null`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for text, want := range map[string]string{"Tim datang besok.": `"same":true`, "Tim datang lusa.": `"same":false`} {
		if w := a.do(ask("POST", ticketPath("/proof"), "all", `{"text":"`+text+`"}`)); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", text, w.Code, w.Body)
		}
	}
	for lang, title := range map[string]string{"": "Bukti pemberitahuan", "?lang=en": "Proof of notification"} {
		w := a.do(ask("GET", ticketPath("/proof.html"+lang), "all", ""))
		body := w.Body.String()
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(body, "<h1>"+title) || !strings.Contains(body, "shard 07/7") {
			t.Errorf("%q: %d %v %s", lang, w.Code, w.Header(), body)
		}
		if strings.Contains(body, "<img") || strings.Contains(body, "<script") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%q: markup, or no policy: %v", lang, w.Header())
		}
	}
	if w := a.do(ask("GET", ticketPath("/proof.html?lang=xx"), "all", "")); w.Code != 422 {
		t.Errorf("a language that there is not: %d", w.Code)
	}
}

// Pages are held against /openapi.json as strings.
func init() {
	openapi3filter.RegisterBodyDecoder("text/html", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		b, err := io.ReadAll(body)
		return string(b), err
	})
}
