package host

// FaultsNeedStack says that a fault reaches its handler only where the guest has memory
// that can be written below its stack pointer, some 8 KiB: the system writes what it
// knows of the fault there, and ends the process when it cannot.
const FaultsNeedStack = true
