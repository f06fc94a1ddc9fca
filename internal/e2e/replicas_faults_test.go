//go:build faults

package e2e_test

import (
	"testing"

	"aduan/internal/e2e/rig"
)

// The long versions of R11 and R12: ten rounds each. The seeds are printed; ADUAN_SEED repeats one.

func TestFaultR11_TenFailovers(t *testing.T) {
	t.Parallel()
	storm{citizens: 250, each: 4, kills: 3, cuts: 3, failed: 5, parted: 5, on: rig.Sentinels}.rage(t)
}

func TestFaultR12_TenFailoversAndMoves(t *testing.T) {
	t.Parallel()
	storm{citizens: 250, each: 4, kills: 3, cuts: 3, failed: 3, parted: 3, moved: 4, on: rig.Cluster}.rage(t)
}
