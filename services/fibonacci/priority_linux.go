package fibonacci

import "golang.org/x/sys/unix"

// lowerPriority makes the calling thread nicer by that much. On Linux the nice value
// is a thread's, not a process's. To lower one's own priority is always allowed; if
// it fails all the same, the workers are slower to give way, and nothing is wrong.
func lowerPriority(by int) {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return
	}
	nice := 20 - now // the system call returns 20 - nice, so as not to be negative
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(nice+by, 19))
}
