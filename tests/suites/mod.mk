# SPDX-License-Identifier: Apache-2.0
# Python's and Perl's own suites under the engine, compared with native runs test by test:
#
#   make suite-python [UNITS='test_os test_s*'] [SUITE_OPTIONS='--minutes=60']
#   make suite-perl [UNITS='t/op/*']
#
# What was broken off goes on; tests/suites/run --help has the options.
suite-python suite-perl: suite-%: $(O)/archway-engine
	@tests/suites/run --engine=$(O)/archway-engine $(SUITE_OPTIONS) $* $(UNITS)
.PHONY: suite-python suite-perl
