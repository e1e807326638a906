// Package browser holds the tests of the web pages in a real browser: Chromium, driven by
// chromedp, against a presenced that runs as a process of its own. It is a module of its
// own so that chromedp is none of the product's dependencies.
//
// Where there is no Chromium the tests skip; with CI=true they fail instead. With SHOTS set
// to a directory they also leave pictures of the pages there.
package browser
