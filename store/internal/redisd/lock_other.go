//go:build !unix || solaris || aix

package redisd

import (
	"errors"
	"fmt"
	"os"
)

// Lock refuses: without file locks nobody could promise that two processes never write the same file.
func Lock(path string) (*os.File, error) {
	return nil, fmt.Errorf("%s: this system has no file locks that end with their process: %w", path, errors.ErrUnsupported)
}
