package telemetry

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LogOptions say how the log is written. The zero value is JSON from level info on to stderr.
type LogOptions struct {
	Level  string    // debug, info, warn, error; "": info
	Format string    // json, console; "": json
	Output io.Writer // nil: stderr. Writes are serialised here
}

// Switch changes a log while it is written.
type Switch struct {
	level   zap.AtomicLevel
	console atomic.Bool
}

// NewLog makes the log and the handle by which its level and format are changed while it runs.
func NewLog(o LogOptions) (*zap.Logger, *Switch, error) {
	s := &Switch{level: zap.NewAtomicLevel()}
	if err := s.Set(o.Level, o.Format); err != nil {
		return nil, nil, err
	}
	out := o.Output
	if out == nil {
		out = os.Stderr
	}
	config := zapcore.EncoderConfig{
		TimeKey:        "time",
		LevelKey:       "level",
		MessageKey:     "msg",
		NameKey:        KeyRoom,
		StacktraceKey:  "stack",
		LineEnding:     zapcore.DefaultLineEnding,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
		EncodeName:     zapcore.FullNameEncoder,
	}
	lines := zapcore.Lock(zapcore.AddSync(out))
	object := zapcore.NewCore(zapcore.NewJSONEncoder(config), lines, s.level)
	config.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	core := &formats{Core: object, console: zapcore.NewCore(zapcore.NewConsoleEncoder(config), lines, s.level), of: s}
	// What the log itself cannot write (a closed pipe) is dropped: a line is not worth a message.
	return zap.New(core, zap.ErrorOutput(zapcore.AddSync(io.Discard))), s, nil
}

var levels = map[string]zapcore.Level{
	"": zapcore.InfoLevel, "debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
}

// Check tells what is wrong with a level (debug, info, warn, error; "": info) or a format (json, console; "": json).
func Check(level, format string) error {
	if _, known := levels[level]; !known {
		return fmt.Errorf("log level %q is not known; use debug, info, warn or error", level)
	}
	if format != "" && format != "json" && format != "console" {
		return fmt.Errorf("log format %q is not known; use json or console", format)
	}
	return nil
}

// Set changes level and format; where one of them is unknown, neither.
func (s *Switch) Set(level, format string) error {
	if err := Check(level, format); err != nil {
		return err
	}
	s.level.SetLevel(levels[level])
	s.console.Store(format == "console")
	return nil
}

// Level is the level in use.
func (s *Switch) Level() string { return s.level.String() }

// Format is the format in use.
func (s *Switch) Format() string {
	if s.console.Load() {
		return "console"
	}
	return "json"
}

// formats writes each entry in the format of the moment.
type formats struct {
	zapcore.Core // json
	console      zapcore.Core
	of           *Switch
}

// With adds fields to both.
func (f *formats) With(fields []zapcore.Field) zapcore.Core {
	return &formats{Core: f.Core.With(fields), console: f.console.With(fields), of: f.of}
}

// Check takes an entry that the level lets pass.
func (f *formats) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if f.Enabled(e.Level) {
		return ce.AddCore(e, f)
	}
	return ce
}

// Write writes an entry.
func (f *formats) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if f.of.console.Load() {
		return f.console.Write(e, fields)
	}
	return f.Core.Write(e, fields)
}
