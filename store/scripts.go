package store

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script is one Lua file behind lib.lua. What its KEYS, ARGV and returns are stands in the file.
type script struct {
	name, text, sha string
	writes          bool // its answer counts only once replicas have it, where they are asked for
	later           bool // it can wait: citizens' messages go first
}

var (
	scriptCommit    = loadScript("commit", true)
	scriptDone      = loadScript("done", true)
	scriptReceipt   = canWait(loadScript("receipt", true))
	scriptStray     = canWait(loadScript("stray", true))
	scriptSettle    = loadScript("settle", true)
	scriptRedeliver = loadScript("redeliver", true)
	scriptRelease   = loadScript("release", true)
	scriptClaim     = loadScript("claim", true)
	scriptTakeOver  = loadScript("takeover", true)
	scriptPart      = loadScript("part", true)
	scriptHanded    = loadScript("handed", true)
	scriptPark      = loadScript("park", true)
	scriptUnpark    = loadScript("unpark", true)
	scriptRevive    = loadScript("revive", true)
	scriptHeld      = loadScript("held", true)
	scriptRead      = loadScript("read", false)
	scriptRenew     = loadScript("renew", true)
	scriptBury      = loadScript("bury", true)
	scriptLease     = loadScript("lease", true)
	scriptSurge     = loadScript("surge", false)
	scriptAnnounce  = loadScript("announce", true)
	scriptAudit     = loadScript("audit", true)
	scriptChain     = canWait(loadScript("chain", true))
	scriptAge       = loadScript("age", true)

	scriptList  = loadScript("list", false)
	scriptHeads = loadScript("heads", false)
	scriptRest  = canWait(loadScript("rest", true))
	scriptForm  = loadScript("form", true)
	scriptIndex = canWait(loadScript("index", true))

	allScripts = []*script{
		scriptSurge, scriptAnnounce, scriptAudit, scriptChain,
		scriptPark, scriptUnpark, scriptRevive, scriptList, scriptHeads, scriptRest, scriptForm, scriptIndex,
		scriptCommit, scriptDone, scriptReceipt, scriptStray, scriptSettle, scriptRedeliver, scriptRelease, scriptClaim,
		scriptTakeOver, scriptPart, scriptHanded, scriptHeld, scriptRead, scriptRenew, scriptBury, scriptLease, scriptAge,
	}
)

func loadScript(name string, writes bool) *script {
	read := func(file string) string {
		b, err := luaFiles.ReadFile("lua/" + file + ".lua")
		if err != nil {
			panic("store: " + err.Error()) // a file missing from the build
		}
		return string(b)
	}
	text := read("lib") + "\n" + read(name)
	sum := sha1.Sum([]byte(text)) // the name that Redis gives it, no secret
	return &script{name: name, text: text, sha: hex.EncodeToString(sum[:]), writes: writes}
}

func canWait(sc *script) *script {
	sc.later = true
	return sc
}

// loadInto sends scripts to one server, which does not know them yet or any more.
func loadInto(ctx context.Context, c redis.Cmdable, scripts []*script) error {
	pipe := c.Pipeline()
	for _, sc := range scripts {
		pipe.ScriptLoad(ctx, sc.text)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("load scripts: %w", err)
	}
	return nil
}

// The replies of scripts: arrays of strings, integers and nils.

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func asStrings(l []any) []string {
	out := make([]string, len(l))
	for i, v := range l {
		out[i] = asString(v)
	}
	return out
}

func asString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return fmt.Sprint(v)
	}
	return ""
}

// asInt is the i-th element of l; -99 where there is none, which no script gives.
func asInt(l []any, i int) int64 {
	if i < len(l) {
		if n, ok := l[i].(int64); ok {
			return n
		}
	}
	return -99
}

// asMap reads field, value, field, value, …
func asMap(l []any) map[string]string {
	m := make(map[string]string, len(l)/2)
	for i := 0; i+1 < len(l); i += 2 {
		m[asString(l[i])] = asString(l[i+1])
	}
	return m
}
