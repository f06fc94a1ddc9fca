package capture_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"aduan/internal/capture"
)

func profile(ctx context.Context, dir, kind string, d time.Duration) ([]byte, error) {
	var file bytes.Buffer
	err := capture.FetchProfile(ctx, dir, os.Getpid(), kind, d, &file)
	return file.Bytes(), err
}

func TestAProfileIsTakenWhereTheConfigurationAllowsIt(t *testing.T) {
	allowed := false
	dir, _, _ := serveCaptures(t, func(o *capture.Options) { o.Profiles = func() bool { return allowed } })
	if data, err := profile(t.Context(), dir, "heap", 0); !errors.Is(err, capture.ErrProfilesOff) || len(data) > 0 {
		t.Errorf("not allowed: %d octets, %v", len(data), err)
	}
	allowed = true
	for _, kind := range capture.Kinds {
		data, err := profile(t.Context(), dir, kind, 50*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(data)) // a profile.proto, compressed
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s is not whole: %v", kind, err)
		}
	}
	if _, err := profile(t.Context(), dir, "texts", 0); err == nil {
		t.Error("an unknown kind is given")
	}
	if _, err := profile(t.Context(), dir, "cpu", time.Hour); err == nil {
		t.Error("an hour is given")
	}
}

func TestACPUProfileEndsEarlyAndWholeAndStandsAlone(t *testing.T) {
	dir, _, stop := serveCaptures(t, func(o *capture.Options) { o.Profiles = func() bool { return true } })
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		data, err := profile(ctx, dir, "cpu", 10*time.Minute)
		for err != nil && ctx.Err() == nil { // one of those below was under way
			data, err = profile(ctx, dir, "cpu", 10*time.Minute)
		}
		if err == nil {
			_, err = gzip.NewReader(bytes.NewReader(data))
		}
		first <- err
	}()
	for end := time.Now().Add(10 * time.Second); ; {
		_, err := profile(t.Context(), dir, "cpu", time.Millisecond)
		if err != nil {
			break // the first is under way
		}
		if time.Now().After(end) {
			t.Fatal("two CPU profiles are taken at once")
		}
	}
	cancel()
	if err := <-first; err != nil {
		t.Errorf("ended early: %v", err)
	}
	stop()
	if _, err := profile(t.Context(), dir, "heap", 0); !errors.Is(err, capture.ErrNoDaemon) {
		t.Errorf("no daemon: %v", err)
	}
}
