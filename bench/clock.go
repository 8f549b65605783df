package bench

// clockNS is the time of reading the clock, as every switch that is measured does.
func clockNS() float64 {
	const rounds = 100_000
	best := int64(1<<63 - 1)
	for range 5 {
		start := hostClock()
		for range rounds {
			_ = hostClock()
		}
		best = min(best, hostClock()-start)
	}
	return float64(best) / rounds
}
