package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"aduan/internal/apicheck"
	"aduan/internal/certs/certstest"
	"aduan/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aduan": main})
}

// The command as its users see it: each file of testdata is a session at a shell.
func TestCommand(t *testing.T) { runScripts(t, "testdata", "") }

// The same with a managed store: a redis-server of the session's own.
func TestCommandWithAStore(t *testing.T) {
	runScripts(t, filepath.Join("testdata", "redis"), testenv.RedisServer(t))
}

// patience bounds every wait of a session; nothing waits so long but a failure.
const patience = 30 * time.Second

// runScripts plays the files of dir. redis is a redis-server to be found on PATH, or "" for none.
func runScripts(t *testing.T, dir, redis string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Deadline:            time.Now().Add(4 * patience),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HTTP", testenv.FreeAddr(t))
			env.Setenv("SMSC", testenv.FreeAddr(t))
			env.Setenv("WORDS", filepath.Join(testenv.Root(t), "configs", "words"))
			env.Setenv("TALKS", filepath.Join(testenv.Root(t), "conversation", "testdata"))
			env.Setenv("CONFIGS", filepath.Join(testenv.Root(t), "configs"))
			return redisOnPath(env, redis)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ends": cmdEnds,
			"fill": cmdFill,
			"certs": func(ts *testscript.TestScript, _ bool, _ []string) { // an authority in ca.pem, smsc.pem and us.pem of its
				ca := certstest.New(t)
				ca.Write(ts.Getenv("WORK"), "smsc", ca.Issue(certstest.Options{}))
				ca.Write(ts.Getenv("WORK"), "us", ca.Issue(certstest.Options{}))
			},
			"ready":   cmdReady,
			"get":     cmdGet,
			"await":   cmdAwait,
			"shows":   cmdShows,
			"signal":  cmdSignal,
			"replace": cmdReplace,
		},
	})
}

// redisOnPath puts redis where the command looks for it; without one, the session's PATH has none either.
func redisOnPath(env *testscript.Env, redis string) error {
	tools := filepath.Join(env.WorkDir, ".bin")
	if err := os.Mkdir(tools, 0o700); err != nil {
		return err
	}
	link := func(program string) error { return os.Symlink(program, filepath.Join(tools, filepath.Base(program))) }
	sh, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	if err := link(sh); err != nil {
		return err
	}
	if redis != "" {
		for _, name := range []string{"redis-server", "redis-cli"} { // they lie side by side
			if err := os.Symlink(filepath.Join(filepath.Dir(redis), name), filepath.Join(tools, name)); err != nil {
				return err
			}
		}
	}
	self, _, _ := strings.Cut(env.Getenv("PATH"), string(os.PathListSeparator)) // where testscript has put the command
	env.Setenv("PATH", self+string(os.PathListSeparator)+tools)
	return nil
}

// ends CODE PROGRAM ARGS...: the program ends with this exit code.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: ends CODE PROGRAM ARGS...")
	}
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// fill FILE...: $NAME in the files becomes the session's value.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// replace FILE OLD NEW: once, and it must be there.
func cmdReplace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// ready: the daemon at $HTTP answers that it is.
func cmdReady(ts *testscript.TestScript, _ bool, _ []string) {
	wait(ts, "/readyz is not 200", func() bool {
		code, _ := fetch(ts, "/readyz")
		return code == http.StatusOK
	})
}

// get PATH CODE [REGEXP]: what $HTTP answers.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	code, body := fetch(ts, args[0])
	if strconv.Itoa(code) != args[1] {
		ts.Fatalf("%s: %d, want %s: %s", args[0], code, args[1], body)
	}
	if len(args) > 2 && regexp.MustCompile(args[2]).Match(body) == neg {
		ts.Fatalf("%s: found %v for %s in: %s", args[0], !neg, args[2], body)
	}
}

func fetch(ts *testscript.TestScript, path string) (int, []byte) {
	client := &http.Client{
		Timeout:       5 * time.Second,
		Transport:     &apicheck.Transport{Fail: ts.Fatalf},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get("http://" + ts.Getenv("HTTP") + path)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, body
}

// await FILE REGEXP: a line of it comes.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[1])
	var text []byte
	defer func() { ts.Logf("[%s]\n%s", args[0], text) }()
	wait(ts, args[0]+" never said "+args[1], func() bool {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		return want.Match(text)
	})
}

// shows REGEXP PROGRAM ARGS...: so it does, now or soon: what it shows is a moment old.
func cmdShows(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[0])
	wait(ts, args[1]+" never showed "+args[0], func() bool {
		_ = ts.Exec(args[1], args[2:]...) // it may fail until then
		return want.MatchString(ts.ReadFile("stdout"))
	})
}

// signal NAME: to the process whose id stands in the file pid.
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile("pid")))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signals[args[0]]))
}

func wait(ts *testscript.TestScript, failure string, done func() bool) {
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			ts.Fatalf("%s", failure)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// A library prints nothing that the command did not mean to say.
func TestErrorsAreLinesOfTheirOwn(t *testing.T) {
	var out, complaint bytes.Buffer
	code := run(t.Context(), []string{"check", "-c", filepath.Join(t.TempDir(), "nothing.yaml")}, strings.NewReader(""), &out, &complaint)
	if code != exitConfig || out.Len() > 0 || strings.Count(complaint.String(), "\n") != 1 || !strings.HasPrefix(complaint.String(), "aduan: ") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, &out, &complaint)
	}
}
