package intake

// Expected is how many deliveries wait for their proof.
func (in *Intake) Expected() int {
	in.settler.mu.Lock()
	defer in.settler.mu.Unlock()
	return len(in.settler.expected)
}
