package configs

import _ "embed"

// Example is a configuration to copy: every setting with its default, explained.
//
//go:embed aduan.yaml
var Example []byte

// Unit is the systemd unit of the daemon.
//
//go:embed aduan.service
var Unit []byte
