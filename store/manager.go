package store

// manager is what open.go needs beside the data: filled in there, closed by Close.
type manager struct{}
