package telemetry

import (
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LogOptions say how the log is written. The zero value is JSON from level info on to stderr.
type LogOptions struct {
	Level  string    // debug, info, warn, error; "": info
	Format string    // json, console; "": json
	Output io.Writer // nil: stderr. Writes are serialised here
}

// NewLog makes the log and the handle by which its level is changed while it runs.
func NewLog(o LogOptions) (*zap.Logger, zap.AtomicLevel, error) {
	level := zap.NewAtomicLevel()
	if err := SetLevel(level, o.Level); err != nil {
		return nil, level, err
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
	var encoder zapcore.Encoder
	switch o.Format {
	case "", "json":
		encoder = zapcore.NewJSONEncoder(config)
	case "console":
		config.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoder = zapcore.NewConsoleEncoder(config)
	default:
		return nil, level, fmt.Errorf("log format %q is not known; use json or console", o.Format)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(out)), level)
	// What the log itself cannot write (a closed pipe) is dropped: a line is not worth a message.
	return zap.New(core, zap.ErrorOutput(zapcore.AddSync(io.Discard))), level, nil
}

// SetLevel changes the level of a log: debug, info, warn or error; "" is info.
func SetLevel(level zap.AtomicLevel, name string) error {
	switch name {
	case "", "info":
		level.SetLevel(zapcore.InfoLevel)
	case "debug":
		level.SetLevel(zapcore.DebugLevel)
	case "warn":
		level.SetLevel(zapcore.WarnLevel)
	case "error":
		level.SetLevel(zapcore.ErrorLevel)
	default:
		return fmt.Errorf("log level %q is not known; use debug, info, warn or error", name)
	}
	return nil
}
