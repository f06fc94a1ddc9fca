package configs_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"aduan/configs"
)

var update = flag.Bool("update", false, "write the .want files anew")

// TestBadConfigurations loads each file of testdata/bad, named after its fault: every problem is one line.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	t.Chdir("testdata/bad")
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			_, err := configs.Load(name)
			invalid := (*configs.Invalid)(nil)
			if !errors.As(err, &invalid) {
				t.Fatalf("it is taken: %v", err)
			}
			got := err.Error() + "\n"
			if strings.Count(got, "\n") != len(invalid.Problems) {
				t.Errorf("%d problems in %d lines", len(invalid.Problems), strings.Count(got, "\n"))
			}
			if strings.Contains(got, "canary") {
				t.Errorf("a secret is printed: %s", got)
			}
			want := strings.TrimSuffix(name, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(expected) {
				t.Errorf("got:\n%swant:\n%s", got, expected)
			}
		})
	}
}

// write makes a configuration file of text.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "aduan.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, text string, flags ...configs.Flag) *configs.Config {
	t.Helper()
	c, err := configs.Load(write(t, text), flags...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const oneLink = `smpp: {links: {main: {address: "127.0.0.1:2775", system_id: aduan, password: secret}}}
`

// example is the configuration that the shipped file shows.
func example() *configs.Config {
	c := configs.Defaults()
	l := configs.DefaultLink()
	l.Address, l.SystemID, l.Password = "127.0.0.1:2775", "aduan", configs.NewSecret("secret")
	c.SMPP.Links["main"] = l
	return c
}

func TestTheExampleShowsTheDefaults(t *testing.T) {
	c, err := configs.Load("aduan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	same(t, c, example())
}

// same compares configurations; an empty list is one that is missing.
func same(t *testing.T, got, want *configs.Config) {
	t.Helper()
	normal := func(c *configs.Config) *configs.Config {
		d := *c
		d.SMPP.Links = map[string]configs.Link{}
		for name, l := range c.SMPP.Links {
			drop(reflect.ValueOf(&l).Elem())
			d.SMPP.Links[name] = l
		}
		drop(reflect.ValueOf(&d).Elem())
		return &d
	}
	if g, w := normal(got), normal(want); !reflect.DeepEqual(g, w) {
		t.Errorf("got  %+v\nwant %+v", g, w)
	}
}

func drop(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Slice && f.Len() == 0:
			f.SetZero()
		case f.Kind() == reflect.Struct && f.CanSet():
			drop(f)
		}
	}
}

func TestTheExampleNamesEverySetting(t *testing.T) {
	var keys func(reflect.Type)
	text := string(configs.Example)
	keys = func(v reflect.Type) {
		for i := range v.NumField() {
			f := v.Field(i)
			if key := f.Tag.Get("mapstructure"); key != "" && !strings.Contains(text, key+":") {
				t.Errorf("%s is not in aduan.yaml", key)
			}
			switch {
			case f.Type.Kind() == reflect.Map:
				keys(f.Type.Elem())
			case f.Type.Kind() == reflect.Struct:
				keys(f.Type)
			}
		}
	}
	keys(reflect.TypeFor[configs.Config]())
}

func TestSourcesWinInTheirOrder(t *testing.T) {
	text := oneLink + "http: {listen: \"127.0.0.1:1\"}\n"
	listen := func(flags ...configs.Flag) string { return load(t, text, flags...).HTTP.Listen }
	if got := load(t, oneLink).HTTP.Listen; got != "127.0.0.1:8080" {
		t.Errorf("default %s", got)
	}
	if got := listen(); got != "127.0.0.1:1" {
		t.Errorf("file: %s", got)
	}
	t.Setenv("ADUAN_HTTP_LISTEN", "127.0.0.1:2")
	if got := listen(); got != "127.0.0.1:2" {
		t.Errorf("variable: %s", got)
	}
	if got := listen(configs.Flag{Name: "--listen", Key: "http.listen", Value: "127.0.0.1:3"}); got != "127.0.0.1:3" {
		t.Errorf("flag: %s", got)
	}
}

func TestVariablesAloneMakeALink(t *testing.T) {
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_ADDRESS", "smsc.example.net:2775")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_SYSTEM_ID", "aduan")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_PASSWORD", "0123,x")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_SOURCE_TON", "5")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_PREFIXES", "62811, +62812")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_RECONNECT_MAX", "2m")
	t.Setenv("ADUAN_STORE_ADDRESSES", "127.0.0.1:1,unix:/run/r.sock")
	t.Setenv("ADUAN_STORE_KEY_FILE", "/etc/aduan/key")
	t.Setenv("ADUAN_LINE_QUIET_HOURS", "")
	t.Setenv("ADUAN_SHUTDOWN_TIMEOUT", "")
	t.Setenv("ADUAN_REQUIRE", "all") // of the tests, no setting
	got, err := configs.Load("")
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Defaults()
	l := configs.DefaultLink()
	l.Address, l.SystemID, l.Password = "smsc.example.net:2775", "aduan", configs.NewSecret("0123,x")
	l.Source.TON, l.Prefixes, l.Reconnect.Max = 5, []string{"62811", "62812"}, 2*time.Minute
	want.SMPP.Links["main"] = l
	want.Store.Addresses, want.Store.KeyFile = []string{"127.0.0.1:1", "unix:/run/r.sock"}, "/etc/aduan/key"
	want.Line.QuietHours = configs.QuietHours{}
	same(t, got, want)
	if !got.Store.External() || got.SMPP.Default() != "main" {
		t.Errorf("external %v, default link %q", got.Store.External(), got.SMPP.Default())
	}
}

func TestAVariableAddsToALinkOfTheFile(t *testing.T) {
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_WINDOW", "7")
	t.Setenv("ADUAN_SMPP_LINKS_SECOND_ADDRESS", "127.0.0.1:2776")
	t.Setenv("ADUAN_SMPP_LINKS_SECOND_SYSTEM_ID", "two")
	c := load(t, oneLink)
	if l := c.SMPP.Links["main"]; l.Window != 7 || l.SystemID != "aduan" || !l.Receipts {
		t.Errorf("%+v", l)
	}
	if l := c.SMPP.Links["second"]; l.SystemID != "two" || l.Window != 50 {
		t.Errorf("%+v", l)
	}
}

func TestProblemsOfVariablesNameThem(t *testing.T) {
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_WINDOW", "0")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_PASWORD", "canary")
	t.Setenv("ADUAN_SMPP_REDELIVERY", "soon")
	_, err := configs.Load(write(t, oneLink), configs.Flag{Name: "--listen", Key: "http.listen", Value: "nowhere"})
	want := `--listen: http.listen: "nowhere" is no address and port; write it as 127.0.0.1:8080, or :8080 for every interface
ADUAN_SMPP_LINKS_MAIN_PASWORD: no setting has this variable; did you mean ADUAN_SMPP_LINKS_MAIN_PASSWORD?
ADUAN_SMPP_LINKS_MAIN_WINDOW: smpp.links.main.window: 0 is less than 1; write 1 or more
ADUAN_SMPP_REDELIVERY: smpp.redelivery: "soon" is not a duration; write it as 90s, 10m, 24h or 30d`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestScalarsStayAsWritten(t *testing.T) {
	c := load(t, `
line: {short_code: 0170}
store: {password: 1e5, username: yes}
smpp:
  links:
    main: {address: 127.0.0.1:2775, system_id: 007, password: 0123}
`)
	l := c.SMPP.Links["main"]
	got := []string{c.Line.ShortCode, c.Store.Password.Reveal(), c.Store.Username, l.SystemID, l.Password.Reveal()}
	if want := []string{"0170", "1e5", "yes", "007", "0123"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinksCanShareSettings(t *testing.T) {
	c := load(t, `
smpp:
  links:
    one: &one {window: 9, address: 127.0.0.1:1, system_id: a, tls: , prefixes: , source: {ton: 5}}
    two: {address: 127.0.0.1:2, <<: *one, source: {npi: 1}}
`)
	l := c.SMPP.Links["two"]
	if l.Address != "127.0.0.1:2" || l.Window != 9 || l.SystemID != "a" || l.Source != (configs.Numbering{TON: 5, NPI: 1}) {
		t.Errorf("%+v", l)
	}
	if c.SMPP.Default() != "" {
		t.Errorf("of two links, %q is the default", c.SMPP.Default())
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"good": "pa ss\n", "empty": "\n", "two": "a\nb\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_ADDRESS", "127.0.0.1:2775")
	t.Setenv("ADUAN_SMPP_LINKS_MAIN_SYSTEM_ID", "aduan")
	for name, want := range map[string]string{"good": "", "empty": "is empty", "two": "more than one line", "none": "no such file"} {
		t.Setenv("ADUAN_SMPP_LINKS_MAIN_PASSWORD_FILE", filepath.Join(dir, name))
		c, err := configs.Load("")
		switch {
		case want == "" && (err != nil || c.SMPP.Links["main"].Password.Reveal() != "pa ss"):
			t.Errorf("%s: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v; want %q", name, err, want)
		}
	}
}

func TestAMissingFileIsAProblemOfItsOwn(t *testing.T) {
	_, err := configs.Load("/nowhere/aduan.yaml")
	if err == nil || err.Error() != "/nowhere/aduan.yaml: cannot be read: no such file or directory; give a readable file with -c" {
		t.Errorf("%v", err)
	}
}

func TestFindTakesTheFlagThenTheVariableThenTheFolder(t *testing.T) {
	t.Setenv("ADUAN_CONFIG", "")
	t.Chdir(t.TempDir())
	if got := configs.Find(""); got != "" {
		t.Errorf("nothing there: %q", got)
	}
	if err := os.WriteFile("aduan.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := configs.Find(""); got != "aduan.yaml" {
		t.Errorf("in the folder: %q", got)
	}
	t.Setenv("ADUAN_CONFIG", "/etc/aduan.yaml")
	if got := configs.Find(""); got != "/etc/aduan.yaml" {
		t.Errorf("variable: %q", got)
	}
	if got := configs.Find("x"); got != "x" {
		t.Errorf("flag: %q", got)
	}
}
