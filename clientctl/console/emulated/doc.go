// Package emulated tests package console on a terminal emulator: what a person would see.
// It is a module of its own, so that the emulator stays out of the product's.
package emulated
