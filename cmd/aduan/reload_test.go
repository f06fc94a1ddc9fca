package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"aduan/configs"
	"aduan/internal/certs/certstest"
	"aduan/internal/telemetry"
)

// reloaded is a setting that is changed while the line runs.
type reloaded struct {
	value string            // the new one
	with  map[string]string // what must change along for it to be valid
	// look is where the running line shows it; nil: in the link, which is made anew.
	look func(l *line, log *telemetry.Switch) any
}

const reloadBase = `
store: {mode: embedded, data_dir: "%[1]s/data", kept: {fsync: none}}
http: {listen: "127.0.0.1:0"}
case_system: {webhook: {url: "https://case.example/", secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}}
smpp:
  default_link: main
  links:
    main: {address: "127.0.0.1:1", system_id: aduan, password: secret}
    other: {address: "127.0.0.1:1", system_id: aduan, password: secret}
`

// settingsTakenUp has a row for each key of the configuration but the store's and the listener's address.
func settingsTakenUp(dir, cert, key string) map[string]reloaded {
	engine := func(l *line, _ *telemetry.Switch) any {
		o := l.turner.Settings().Engine.Options()
		return []any{o.Language, o.Continuation, o.FloodCount, o.FloodPer, o.Cap, o.Limits}
	}
	of := func(look func(l *line) any) func(*line, *telemetry.Switch) any {
		return func(l *line, _ *telemetry.Switch) any { return look(l) }
	}
	at := time.Date(2026, 1, 5, 22, 0, 0, 0, time.UTC)
	night := of(func(l *line) any {
		if q := l.turner.Settings().Quiet(at); !q.Equal(at) {
			return q.UTC().String()
		}
		return "now"
	})
	hook := of(func(l *line) any { return l.handoff.Endpoint() })
	limits := of(func(l *line) any { return l.sender.Limits() })
	tallied := of(func(l *line) any { return l.tally.Limits() })
	kept := of(func(l *line) any { return l.store.Keeping() })
	web := of(func(l *line) any { s := l.web.settings; s.Count = nil; return s })
	routed := of(func(l *line) any { return l.sender.Routes() })
	tls := map[string]string{"http.tls.cert_file": cert, "http.tls.key_file": key}
	linkTLS := map[string]string{"smpp.links.main.tls.cert_file": cert, "smpp.links.main.tls.key_file": key, "smpp.links.main.tls.enabled": "true"}
	return map[string]reloaded{
		"line.short_code":  {value: "1709", look: of(func(l *line) any { return []any{l.turner.Settings().ShortCode, l.intake.Settings().ShortCode} })},
		"line.region":      {value: "MY", look: of(func(l *line) any { return []any{l.intake.Settings().Region, l.sender.Limits().Region} })},
		"line.language":    {value: "en", look: engine},
		"line.timezone":    {value: "Asia/Jayapura", look: night},
		"line.quiet_hours": {value: "05:00-07:00", look: night},
		"line.files": {value: filepath.Join(dir, "files"), look: of(func(l *line) any {
			n, _ := l.turner.Settings().Engine.Words().Institutions()
			return n
		})},
		"conversation.continuation":          {value: "31m", look: engine},
		"conversation.flood.count":           {value: "11", look: engine},
		"conversation.flood.per":             {value: "11m", look: engine},
		"conversation.answers.per_day":       {value: "101", look: engine},
		"conversation.limits.verify":         {value: "4", look: engine},
		"conversation.limits.answer":         {value: "6", look: engine},
		"conversation.limits.remind":         {value: "2", look: engine},
		"conversation.limits.escalate":       {value: "3", look: engine},
		"conversation.limits.citizen":        {value: "11", look: engine},
		"conversation.answers.line_per_hour": {value: "9", look: tallied},
		"conversation.surge.count":           {value: "21", look: tallied},
		"conversation.surge.times":           {value: "6", look: tallied},
		"conversation.surge.brief":           {value: "1000", look: of(func(l *line) any { return l.brief.from.Load() })},
		"smpp.default_link":                  {value: "other", look: routed},
		"smpp.redelivery":                    {value: "25h", look: kept},
		"smpp.segments_timeout":              {value: "11m", look: of(func(l *line) any { return l.intake.Settings().SegmentsTimeout })},
		"smpp.receipts_grace":                {value: "73h", look: limits},
		"smpp.sms_expire":                    {value: "71h", look: limits},
		"http.hosts":                         {value: "aduan.example", look: web},
		"http.trusted_proxies":               {value: "10.0.0.0/8", look: web},
		"http.tls.cert_file":                 {value: cert, with: tls, look: web},
		"http.tls.key_file":                  {value: key, with: tls, look: web},
		"case_system.digest":                 {value: "06:30", look: of(func(l *line) any { return l.daily.Schedule() })},
		"case_system.webhook.url":            {value: "https://other.example/", look: hook},
		"case_system.webhook.secret":         {value: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=", look: hook},
		"case_system.webhook.secret_file":    {value: filepath.Join(dir, "whsec"), with: map[string]string{"case_system.webhook.secret": ""}, look: hook},
		"case_system.webhook.allow":          {value: "10.1.0.0/16", look: hook},
		"retention.tickets":                  {value: "100d", look: kept},
		"retention.events":                   {value: "31d", look: kept},
		"shutdown_timeout":                   {value: "21s", look: of(func(l *line) any { return []any{l.shutdownWithin(), l.web.settings.ShutdownTimeout} })},
		"log.level":                          {value: "debug", look: func(_ *line, log *telemetry.Switch) any { return log.Level() }},
		"profiles":                           {value: "true", look: of(func(l *line) any { return l.conf().Profiles })},
		"log.format":                         {value: "console", look: func(_ *line, log *telemetry.Switch) any { return log.Format() }},
		"smpp.links.main.address":            {value: "127.0.0.1:2"},
		"smpp.links.main.system_id":          {value: "other"},
		"smpp.links.main.password":           {value: "other"},
		"smpp.links.main.password_file":      {value: filepath.Join(dir, "password"), with: map[string]string{"smpp.links.main.password": ""}},
		"smpp.links.main.system_type":        {value: "VMA"},
		"smpp.links.main.service_type":       {value: "CMT"},
		"smpp.links.main.address_range":      {value: "^1708$"},
		"smpp.links.main.source.ton":         {value: "1"},
		"smpp.links.main.source.npi":         {value: "1"},
		"smpp.links.main.destination.ton":    {value: "2"},
		"smpp.links.main.destination.npi":    {value: "0"},
		"smpp.links.main.alphabet":           {value: "latin1"},
		"smpp.links.main.national_tables":    {value: "turkish"},
		"smpp.links.main.receipts":           {value: "false"},
		"smpp.links.main.bind":               {value: "pair"},
		"smpp.links.main.sessions":           {value: "2"},
		"smpp.links.main.exclusive":          {value: "true"},
		"smpp.links.main.takeover":           {value: "11s"},
		"smpp.links.main.window":             {value: "51"},
		"smpp.links.main.rate":               {value: "7", look: routed},
		"smpp.links.main.enquire_link":       {value: "31s"},
		"smpp.links.main.response_timeout":   {value: "11s"},
		"smpp.links.main.ack_within":         {value: "4s"},
		"smpp.links.main.reconnect.min":      {value: "2s"},
		"smpp.links.main.reconnect.max":      {value: "61s"},
		"smpp.links.main.tls.enabled":        {value: "true"},
		"smpp.links.main.tls.ca_file":        {value: cert, with: linkTLS},
		"smpp.links.main.tls.server_name":    {value: "smsc.example", with: linkTLS},
		"smpp.links.main.tls.cert_file":      {value: cert, with: linkTLS},
		"smpp.links.main.tls.key_file":       {value: key, with: linkTLS},
		"smpp.links.main.prefixes":           {value: "62811", look: routed},
		"smpp.links.main.fallback":           {value: "other", look: routed},
	}
}

// settingsOfARestart has a row for each key that a running line cannot take up: the contract's store and http.listen.
func settingsOfARestart(dir, cert, key string) map[string]reloaded {
	tls := map[string]string{"store.tls.enabled": "true", "store.tls.cert_file": cert, "store.tls.key_file": key}
	return map[string]reloaded{
		"store.mode":                 {value: "managed"},
		"store.addresses":            {value: "127.0.0.1:9"},
		"store.sentinel_master":      {value: "m", with: map[string]string{"store.addresses": "127.0.0.1:9"}},
		"store.cluster":              {value: "true", with: map[string]string{"store.addresses": "127.0.0.1:9"}},
		"store.username":             {value: "u", with: map[string]string{"store.password": "p"}},
		"store.password":             {value: "p"},
		"store.password_file":        {value: filepath.Join(dir, "password")},
		"store.tls.enabled":          {value: "true"},
		"store.tls.ca_file":          {value: cert, with: tls},
		"store.tls.server_name":      {value: "redis.example", with: tls},
		"store.tls.cert_file":        {value: cert, with: tls},
		"store.tls.key_file":         {value: key, with: tls},
		"store.data_dir":             {value: dir},
		"store.key_file":             {value: filepath.Join(dir, "key")},
		"store.kept.fsync":           {value: "everysec"},
		"store.kept.replicas":        {value: "1"},
		"store.kept.wait":            {value: "2s"},
		"store.accept_failover_loss": {value: "true"},
		"http.listen":                {value: "127.0.0.1:1"},
	}
}

// The contract: SIGHUP takes up everything but the store and the listener's address, and these are named. A key that is
// added to the configuration must be added here, so that nobody forgets to have it taken up.
func TestSIGHUPTakesUpEverySettingOrNamesIt(t *testing.T) {
	dir := t.TempDir()
	authority := certstest.New(t)
	pem := authority.Write(dir, "ours", authority.Issue(certstest.Options{}))
	cert, key := pem.Cert, pem.Key
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"password": "fromfile", "files/agencies.yaml": "agencies: {Badan Baru: {names: [bb]}}\n", "whsec": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDM="} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "aduan.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, reloadBase, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := configs.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	_, sw, err := telemetry.NewLog(telemetry.LogOptions{Output: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	core, said := observer.New(zapcore.InfoLevel)
	engine, err := newEngine(base)
	if err != nil {
		t.Fatal(err)
	}
	l, err := buildLine(t.Context(), base, engine, zap.New(core), openTrial)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.links.Run(ctx) }()
	defer func() {
		stop()
		<-ended
		_ = l.store.Close()
	}()

	taken, restart := settingsTakenUp(dir, cert, key), settingsOfARestart(dir, cert, key)
	keys := configs.Keys("main")
	for _, rows := range []map[string]reloaded{taken, restart} {
		for k := range rows {
			if !slices.Contains(keys, k) {
				t.Errorf("%s is no key of the configuration", k)
			}
		}
	}
	read := func(key string, r reloaded) *configs.Config {
		t.Helper()
		flags := []configs.Flag{{Name: "--test", Key: key, Value: r.value}}
		for k, v := range r.with {
			if k != key {
				flags = append(flags, configs.Flag{Name: "--test", Key: k, Value: v})
			}
		}
		cfg, err := configs.Load(file, flags...)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return cfg
	}
	for _, k := range keys {
		r, live := taken[k]
		if rr, again := restart[k]; again {
			if live {
				t.Errorf("%s is in both tables", k)
			}
			if k != "http.listen" && !strings.HasPrefix(k, "store.") {
				t.Errorf("%s must be taken up while the line runs", k)
			}
			r = rr
		} else if !live {
			t.Errorf("%s: no row says how a running line takes it up, or that it names it", k)
			continue
		}
		if r.look == nil {
			r.look = func(*line, *telemetry.Switch) any {
				return said.FilterMessage("a link has changed: it binds anew").Len()
			}
		}
		l.adopt(base, sw)
		_ = said.TakeAll()
		was := r.look(l, sw)
		if l.adopt(base, sw); !reflect.DeepEqual(was, r.look(l, sw)) {
			t.Errorf("%s: what is looked at changes by itself", k)
		}
		_ = said.TakeAll()
		l.adopt(read(k, r), sw)
		named := said.FilterField(zap.String("setting", k)).Len() > 0
		changed := !reflect.DeepEqual(was, r.look(l, sw))
		switch failed := said.FilterLevelExact(zapcore.ErrorLevel).All(); {
		case len(failed) > 0:
			t.Errorf("%s: %v", k, failed[0].ContextMap())
		case live && named:
			t.Errorf("%s is said to need a restart", k)
		case live && !changed:
			t.Errorf("%s is neither taken up nor named", k)
		case !live && !named:
			t.Errorf("%s is not named as one that needs a restart", k)
		}
	}
}
