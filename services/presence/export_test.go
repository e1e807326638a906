package presence

// Die ends a member's goroutines without a word to the store, as a crash does.
func (m *Member) Die() {
	m.epoch.cancel(errLeaving)
	<-m.epoch.ended
}
