package kernel

// errnoBase is where the host's error numbers begin.
const errnoBase = 0
