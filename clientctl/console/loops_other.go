//go:build !unix

package console

import "os"

// Supported says that Open knows the terminals of this system.
const Supported = false

func hear() chan os.Signal { return make(chan os.Signal) }

func (c *Console) foreground() bool { return true }

func (c *Console) keys()    {}
func (c *Console) signals() {}
func (c *Console) ticks()   {}
