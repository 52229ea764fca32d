# Part of the Makefile: packages, running from the checkout, installing.
