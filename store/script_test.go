package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aduan/store"
)

// scripts are the Lua files, lib.lua among them.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("lua/*.lua")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	return all
}

func TestEveryScriptSaysWhatItTakesAndGives(t *testing.T) {
	for name, text := range scripts(t) {
		if name == "lib.lua" {
			continue
		}
		head, _, _ := strings.Cut(text, "\nlocal")
		for _, want := range []string{"-- " + name + ": ", "\n-- KEYS  1 ", "\n-- ARGV  ", "\n-- returns "} {
			if !strings.Contains("\n"+head, want) && !(want == "\n-- KEYS  1 " && strings.Contains(head, "-- KEYS  each ")) {
				t.Errorf("%s: its head lacks %q", name, strings.TrimSpace(want))
			}
		}
	}
}

func TestScriptsUseOnlyWhatEveryStoreHas(t *testing.T) {
	for name, text := range scripts(t) {
		for _, word := range []string{"struct.", "cmsgpack", "bit.", "#!lua", "tostring(", "redis.breakpoint", "EVAL"} {
			if strings.Contains(text, word) {
				t.Errorf("%s uses %s", name, word)
			}
		}
		for i, line := range strings.Split(text, "\n") {
			if m := regexp.MustCompile(`^([A-Za-z_]+)(, [A-Za-z_]+)* = `).FindString(line); m != "" && !strings.Contains(text, "local "+strings.Split(m, " ")[0]) &&
				!regexp.MustCompile(`local [^=\n]*\b`+strings.TrimSuffix(strings.Fields(m)[0], ",")+`\b`).MatchString(text) {
				t.Errorf("%s:%d: a global: %s", name, i+1, line)
			}
		}
	}
}

// What the scripts run is tried at start, so that a login that may not run it is told in words, not found in the middle
// of a script.
func TestEveryCommandOfTheScriptsIsTriedAtStart(t *testing.T) {
	all := scripts(t)
	command := regexp.MustCompile(`call\('([A-Z]+)'`)
	var used []string
	for name, text := range all {
		if name == "probe.lua" {
			continue
		}
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			used = append(used, m[1])
		}
	}
	slices.Sort(used)
	for _, c := range slices.Compact(used) {
		if !strings.Contains(all["probe.lua"], "{'"+c+"'") {
			t.Errorf("%s is not tried", c)
		}
	}
}

func TestEveryKeyOfATurnLiesInItsShard(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	for n := range 200 {
		turn := b.wholeTurn(n)
		turn.Join = &store.GroupJoin{Key: "}{99}:x"}
		turn.Fill = &store.GroupFill{Key: "{98}"}
		turn.Mark.Digest = "{97}:c:x"
		turn.Idempotency.Key = "a:b}"
		keys, _ := b.WireForTest(turn)
		want := slotTag(store.DueKey(turn.Citizen.ID.Shard))
		for _, k := range keys {
			if slotTag(k) != want || strings.Count(k, "{") != 1 {
				t.Fatalf("key %s, shard %s", k, want)
			}
		}
	}
}

func TestKeysFromOutsideNeverFormOtherKeys(t *testing.T) {
	for _, hostile := range []string{"", "a:b", "{07}", "..", "]]..redis.call('flushall')", "x y", "\x00", strings.Repeat("a", 300), "ü"} {
		for _, key := range []string{store.SMSKey(7, hostile), store.HeldKey(7, hostile), store.HandoffKey(7, hostile)} {
			if !regexp.MustCompile(`^\{07\}:[a-z]+:[A-Za-z0-9._-]{1,64}$`).MatchString(key) {
				t.Errorf("%q makes the key %q", hostile, key)
			}
		}
	}
}
