package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"aduan/store"
)

// keyVariable may hold the API key of who calls a tool.
const keyVariable = "ADUAN_KEY"

// permit asks whether who calls a tool has a scope, and who it is: by the API key in the file, else in the environment.
func permit(ctx context.Context, s *store.Store, keyFile, scope string) (store.APIKey, error) {
	k, err := keyOf(ctx, s, keyFile, scope)
	if err != nil {
		return store.APIKey{}, err
	}
	if !k.Allows(scope) || k.Agency != "" {
		return store.APIKey{}, withCode(exitNotPermitted, fmt.Errorf("the API key %q has not the scope %s for the whole line", k.Name, scope))
	}
	return k, nil
}

func keyOf(ctx context.Context, s *store.Store, keyFile, scope string) (k store.APIKey, err error) {
	secret := os.Getenv(keyVariable)
	if keyFile != "" {
		info, err := os.Stat(keyFile)
		if err != nil {
			return k, fmt.Errorf("--key-file: %w", err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return k, withCode(exitNotPermitted, fmt.Errorf("--key-file: others may read %s (mode %04o): chmod 0600 %[1]s", keyFile, info.Mode().Perm()))
		}
		b, err := os.ReadFile(keyFile)
		if err != nil {
			return k, fmt.Errorf("--key-file: %w", err)
		}
		secret = string(b)
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return k, withCode(exitNotPermitted, fmt.Errorf("this needs an API key with the scope %s: give it in $%s or by --key-file (aduan keys add --scope %[1]s makes one)", scope, keyVariable))
	}
	k, err = s.FindKey(ctx, secret)
	if errors.Is(err, store.ErrNoKey) {
		return k, withCode(exitNotPermitted, errors.New("the API key is not valid: it is unknown, expired or revoked"))
	}
	return k, err
}
