package msisdn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"aduan/internal/msisdn"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		addr   string
		ton    byte
		region string
		want   string // "": ErrNotANumber
	}{
		{"international digits with TON 1", "6281234567123", 1, "ID", "+6281234567123"},
		{"a plus sign although TON 1 says it", "+6281234567123", 1, "ID", "+6281234567123"},
		{"TON unknown, bare international", "6281234567123", 0, "ID", "+6281234567123"},
		{"TON unknown, national with trunk 0", "081234567123", 0, "ID", "+6281234567123"},
		{"TON national, no trunk 0", "81234567123", 2, "ID", "+6281234567123"},
		{"TON international on a national form", "081234567123", 1, "ID", "+6281234567123"},
		{"TON unknown, without trunk 0", "81234567123", 0, "ID", "+6281234567123"},
		{"the shortest mobile", "0811234567", 0, "ID", "+62811234567"},
		{"the longest mobile", "0812345678901", 0, "ID", "+62812345678901"},
		{"international prefix 00", "006281234567123", 0, "ID", "+6281234567123"},
		{"dressed by a person", "+62 (812) 3456-7123", 0, "ID", "+6281234567123"},
		{"TON alphanumeric on a real number", "6281234567123", 5, "ID", "+6281234567123"},
		{"a landline in Jakarta", "0213456789", 0, "ID", "+62213456789"},
		{"a foreigner, TON 1", "14155552671", 1, "ID", "+14155552671"},
		{"a foreigner with a plus sign", "+442079460958", 0, "ID", "+442079460958"},
		{"a foreigner, bare", "447911123456", 0, "ID", "+447911123456"},
		{"a British national form", "07911123456", 0, "GB", "+447911123456"},
		{"an Indonesian seen from Britain", "6281234567123", 1, "GB", "+6281234567123"},
		{"a Kenyan national form", "0712345678", 2, "KE", "+254712345678"},
		{"a short code", "1708", 0, "ID", ""},
		{"a short code with TON 3", "99999", 3, "ID", ""},
		{"a short code with TON 1", "1708", 1, "ID", ""},
		{"an alphanumeric sender", "KOMINFO", 5, "ID", ""},
		{"an alphanumeric sender that ends in digits", "LAPOR1708", 5, "ID", ""},
		{"digits with TON alphanumeric, too few", "12345678", 5, "ID", ""},
		{"nothing", "", 0, "ID", ""},
		{"a plus sign only", "+", 1, "ID", ""},
		{"digits of another script", "٠٨١٢٣٤٥٦٧٨٩", 0, "ID", ""},
		{"longer than E.164", "628123456789012345", 1, "ID", ""},
		{"endless digits", strings.Repeat("8", 500), 0, "ID", ""},
		{"an unknown country", "999123456789", 1, "ID", ""},
		{"NUL inside", "62812\x00345678", 1, "ID", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := msisdn.Parse(tt.addr, tt.ton, tt.region)
			if tt.want == "" {
				if !errors.Is(err, msisdn.ErrNotANumber) || !m.IsZero() {
					t.Fatalf("Parse = %s, %v; want ErrNotANumber", m.Reveal(), err)
				}
				return
			}
			if err != nil || m.Reveal() != tt.want {
				t.Fatalf("Parse = %s, %v; want %s", m.Reveal(), err, tt.want)
			}
		})
	}
}

func TestFromE164(t *testing.T) {
	for _, bad := range []string{"", "+", "6281234567123", "+0812345678", "+123456", "+1234567890123456", "+62 812345678", "+62812345x78"} {
		if m, err := msisdn.FromE164(bad); !errors.Is(err, msisdn.ErrNotANumber) || !m.IsZero() {
			t.Errorf("FromE164(%q) = %v, want ErrNotANumber", bad, err)
		}
	}
}

func TestMasked(t *testing.T) {
	for number, want := range map[string]string{
		"+6281234567123": "+62•••••••123",
		"+14155552671":   "+1•••••••671",
		"+254712345678":  "+254•••••••678",
		"+79161234567":   "+7•••••••567",
	} {
		m, err := msisdn.FromE164(number)
		if err != nil {
			t.Fatal(err)
		}
		if m.String() != want {
			t.Errorf("String = %s, want %s", m, want)
		}
	}
	if s := (msisdn.MSISDN{}).String(); s != "" {
		t.Errorf("no number prints %q", s)
	}
}

// A number must not leave by any door but Reveal and Digits.
func TestNeverPrintsItself(t *testing.T) {
	const secret = "81234567"
	m, err := msisdn.FromE164("+6281234567123")
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct{ who msisdn.MSISDN }{m} // fmt cannot ask String here
	core, logs := observer.New(zapcore.DebugLevel)
	zap.New(core).Info("x", zap.Stringer("from", m), zap.Any("a", m), zap.Reflect("r", hidden))
	inJSON, _ := json.Marshal(map[string]any{"m": m, "p": &m, "k": map[msisdn.MSISDN]int{m: 1}})
	outs := []string{string(inJSON), fmt.Sprintf("%v %+v", logs.All()[0].ContextMap(), logs.All())}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%20s", "%-20v|", "%t"} {
		outs = append(outs, fmt.Sprintf(verb, m), fmt.Sprintf(verb, &m), fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, []msisdn.MSISDN{m}))
	}
	for _, out := range outs {
		if strings.Contains(out, secret) {
			t.Errorf("the number is printed: %s", out)
		}
	}
	if want := `{"k":{"+62•••••••123":1},"m":"+62•••••••123","p":"+62•••••••123"}`; string(inJSON) != want {
		t.Errorf("JSON = %s", inJSON)
	}
}

// The dress of a number does not matter, nor do equal numbers differ.
func TestEveryDressIsOneNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		national := "8" + rapid.StringMatching(`[1-9][0-9]{7,10}`).Draw(t, "national")
		want, err := msisdn.FromE164("+62" + national)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []struct {
			addr string
			ton  byte
		}{{"0" + national, 0}, {"0" + national, 2}, {national, 2}, {"62" + national, 1}, {"62" + national, 0}, {"+62" + national, 0}, {"0062" + national, 0}} {
			got, err := msisdn.Parse(d.addr, d.ton, "ID")
			if err != nil || got != want {
				t.Fatalf("Parse(%q, %d) = %s, %v; want %s", d.addr, d.ton, got.Reveal(), err, want.Reveal())
			}
		}
		if want.Reveal() != "+62"+national || want.Digits() != "62"+national {
			t.Fatalf("Reveal = %s, Digits = %s", want.Reveal(), want.Digits())
		}
	})
}

func FuzzMSISDN(f *testing.F) {
	f.Add("081234567123", byte(0), "ID")
	f.Add("+62 812-3456-7123", byte(1), "GB")
	f.Add("KOMINFO", byte(5), "ID")
	f.Add("1708", byte(3), "")
	f.Fuzz(func(t *testing.T, addr string, ton byte, region string) {
		m, err := msisdn.Parse(addr, ton, region)
		if err != nil {
			if !errors.Is(err, msisdn.ErrNotANumber) || !m.IsZero() {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := msisdn.FromE164(m.Reveal())
		if err != nil || again != m {
			t.Fatalf("%s is no E.164: %v", m.Reveal(), err)
		}
		if len(m.Digits()) < 7 || len(m.Digits()) > 15 {
			t.Fatalf("%d digits", len(m.Digits()))
		}
	})
}

func BenchmarkParseNational(b *testing.B) {
	for b.Loop() {
		_, _ = msisdn.Parse("081234567123", 0, "ID")
	}
}

func ExampleParse() {
	m, err := msisdn.Parse("0812-3456-7123", 2, "ID")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m)
	fmt.Println(m.Reveal())
	// Output:
	// +62•••••••123
	// +6281234567123
}
