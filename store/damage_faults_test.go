//go:build faults

package store_test

import "testing"

// The long versions of R4: every third octet, and many flips.

func TestFaultR4_CutAtEveryThirdOctet(t *testing.T) { cutEvery(t, 3) }

func TestFaultR4_ManyFlips(t *testing.T) { flip(t, 200) }
