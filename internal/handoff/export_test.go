package handoff

// CheckAddr lets the test ask for addresses that no test may dial.
var CheckAddr = checkAddr
