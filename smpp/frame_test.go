package smpp_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"aduan/smpp"
)

func TestFramesAreCutByTheirLength(t *testing.T) {
	one, two := deliverSM(1, "one"), smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 2)
	stream := append(bytes.Clone(one), two...)
	for name, r := range map[string]io.Reader{
		"all at once":       bytes.NewReader(stream),
		"octet by octet":    iotest.OneByteReader(bytes.NewReader(stream)),
		"the end with data": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			fr := smpp.NewFrameReader(r, 0)
			for _, want := range [][]byte{one, two} {
				got, err := fr.Next()
				if err != nil {
					t.Fatal(err)
				}
				sameBytes(t, "frame", got, want)
			}
			if _, err := fr.Next(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

func TestAnEndInsideAPDUIsUnexpected(t *testing.T) {
	whole := deliverSM(1, "text")
	for n := 1; n < len(whole); n++ {
		_, err := smpp.NewFrameReader(bytes.NewReader(whole[:n]), 0).Next()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut after %d: %v", n, err)
		}
	}
}

func TestLengthsThatCannotBeBelieved(t *testing.T) {
	rows := []struct {
		name, stream string
		length, seq  uint32
	}{
		{"0", "00000000 00000005 00000000 00000007", 0, 7},
		{"15", "0000000f 00000015 00000000 00000001", 15, 1},
		{"2^31", "80000000 00000005 00000000 00000007", 1 << 31, 7},
		{"above the limit", "00011171 00000005 00000000 00000007", 70001, 7},
		{"unknown command: its seq is not believed", "00000000 00777777 00000000 00000007", 0, 0},
		{"seq out of range", "00000000 00000005 00000000 80000000", 0, 0},
		{"only the length came", "00000000", 0, 0},
		{"text instead of SMPP", "47455420 2f204854 54502f31 2e310d0a", 0x47455420, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := smpp.NewFrameReader(bytes.NewReader(annotated(t, row.stream)), 0).Next()
			var bad *smpp.FrameError
			if !errors.As(err, &bad) || bad.Length != row.length || bad.Seq != row.seq {
				t.Fatalf("got %+v", err)
			}
		})
	}
}

func TestNoMemoryOnTheWordOfALength(t *testing.T) {
	stream := annotated(t, "0000ffff 00000005 00000000 00000001 00")
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = smpp.NewFrameReader(bytes.NewReader(stream), 0).Next()
		}
	}).AllocedBytesPerOp()
	if allocated > 16<<10+5000 { // the reader's own buffer and the first chunk
		t.Errorf("%d octets allocated for a claim of 65,535", allocated)
	}
}

// FuzzFrames: whatever the stream, frames and what remains are its octets in order.
func FuzzFrames(f *testing.F) {
	f.Add(append(deliverSM(1, "one"), deliverSM(2, "two")...), uint16(3))
	f.Add(annotated(f, "00000010 80000000 00000003 00000001 0000000f"), uint16(1))
	f.Add(annotated(f, "7fffffff"), uint16(9))
	f.Fuzz(func(t *testing.T, stream []byte, limit uint16) {
		fr := smpp.NewFrameReader(iotest.HalfReader(bytes.NewReader(stream)), int(limit))
		var got []byte
		for {
			frame, err := fr.Next()
			if err != nil {
				break
			}
			if len(frame) < smpp.HeaderLen || int(smpp.ParseHeader(frame).Length) != len(frame) || limit > 0 && len(frame) > int(limit) {
				t.Fatalf("frame of %d octets, limit %d", len(frame), limit)
			}
			got = append(got, frame...)
		}
		if !bytes.HasPrefix(stream, got) {
			t.Fatal("octets changed or lost")
		}
	})
}
