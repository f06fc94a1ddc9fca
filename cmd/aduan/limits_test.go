package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAMemoryLimitIsReadFromTheCgroup(t *testing.T) {
	for _, tt := range []struct {
		name, self string
		files      map[string]string
		want       int64
	}{
		{name: "version 2", self: "0::/system.slice/aduan.service\n", files: map[string]string{"system.slice/aduan.service/memory.max": "536870912\n"}, want: 512 << 20},
		{name: "one above is smaller", self: "0::/a/b\n", files: map[string]string{"a/memory.max": "1048576\n", "a/b/memory.max": "2097152\n"}, want: 1 << 20},
		{name: "none", self: "0::/a\n", files: map[string]string{"a/memory.max": "max\n"}},
		{name: "version 1", self: "5:cpu:/a\n4:memory:/a\n", files: map[string]string{"memory/a/memory.limit_in_bytes": "268435456\n"}, want: 256 << 20},
		{name: "version 1 without one", self: "4:memory:/a\n", files: map[string]string{"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}},
		{name: "no cgroup", self: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			self := filepath.Join(root, "self")
			if err := os.WriteFile(self, []byte(tt.self), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, content := range tt.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := cgroupMemory(self, root); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestSizesAreRead(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "1048576": 1 << 20, "256MiB": 256 << 20, "2GiB": 2 << 30, "3KiB": 3 << 10} {
		if got, err := readSize(in); err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "256MB", "MiB", "9999999999999GiB"} {
		if got, err := readSize(in); err == nil {
			t.Errorf("%q is taken as %d", in, got)
		}
	}
}
