# SPDX-License-Identifier: Apache-2.0
# `make docs` makes manual pages and shell completions with the program itself; `make install` puts
# everything below DESTDIR and PREFIX. Included by the Makefile.

PREFIX ?= /usr/local
bindir ?= $(PREFIX)/bin
libdir ?= $(PREFIX)/lib
libexecdir ?= $(PREFIX)/libexec
includedir ?= $(PREFIX)/include
mandir ?= $(PREFIX)/share/man
datadir ?= $(PREFIX)/share
INSTALL ?= install

DOCS := $(O)/doc/.made

$(DOCS): $(O)/archway packaging/install.mk
	@echo "  DOC $(@D)"
	@rm -rf $(@D) && mkdir -p $(@D)/man1 $(@D)/completion
	@$(O)/archway __doc man > $(@D)/man1/archway.1
	@for v in $$($(O)/archway __doc verbs); do \
	    $(O)/archway __doc man $$v > $(@D)/man1/archway-$$v.1 || exit 1; done
	@for s in bash zsh fish; do \
	    $(O)/archway __doc completion $$s > $(@D)/completion/$$s || exit 1; done
	@touch $@
docs: $(DOCS)

$(O)/doc/archway.pc: packaging/archway.pc.in Makefile
	@mkdir -p $(@D)
	@sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
	    -e 's|@version@|$(VERSION)|' $< > $@

install: all $(DOCS)
	@$(MAKE) --no-print-directory -B $(O)/doc/archway.pc
	@$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)/archway \
	    $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(datadir)/bash-completion/completions \
	    $(DESTDIR)$(datadir)/zsh/site-functions $(DESTDIR)$(datadir)/fish/vendor_completions.d
	@$(INSTALL) -m 755 $(O)/archway $(DESTDIR)$(bindir)/archway
	@$(INSTALL) -d $(DESTDIR)$(libexecdir)/archway
	@$(INSTALL) -m 755 $(O)/archway-engine $(DESTDIR)$(libexecdir)/archway/archway-engine
	@$(INSTALL) -m 755 $(O)/archway-format $(DESTDIR)$(libexecdir)/archway/archway-format
	@$(INSTALL) -m 644 $(O)/libarchway.a $(DESTDIR)$(libdir)/libarchway.a
	@$(INSTALL) -m 644 $(O)/doc/archway.pc $(DESTDIR)$(libdir)/pkgconfig/archway.pc
	@$(INSTALL) -m 644 include/archway/*.h $(DESTDIR)$(includedir)/archway/
	@$(INSTALL) -m 644 $(O)/doc/man1/*.1 $(DESTDIR)$(mandir)/man1/
	@$(INSTALL) -m 644 $(O)/doc/completion/bash $(DESTDIR)$(datadir)/bash-completion/completions/archway
	@$(INSTALL) -m 644 $(O)/doc/completion/zsh $(DESTDIR)$(datadir)/zsh/site-functions/_archway
	@$(INSTALL) -m 644 $(O)/doc/completion/fish $(DESTDIR)$(datadir)/fish/vendor_completions.d/archway.fish
	@$(INSTALL) -d $(DESTDIR)$(datadir)/archway/init
	@for s in openrc sysvinit; do sed 's|/usr/bin/archway|$(bindir)/archway|' packaging/init/archway-binfmt.$$s \
	    > $(DESTDIR)$(datadir)/archway/init/archway-binfmt.$$s && \
	    chmod 755 $(DESTDIR)$(datadir)/archway/init/archway-binfmt.$$s || exit 1; done
	@echo "installed into $(DESTDIR)$(PREFIX)"

uninstall:
	@rm -f $(DESTDIR)$(bindir)/archway $(DESTDIR)$(libdir)/libarchway.a \
	    $(DESTDIR)$(libdir)/pkgconfig/archway.pc $(DESTDIR)$(mandir)/man1/archway.1 \
	    $(DESTDIR)$(mandir)/man1/archway-*.1 \
	    $(DESTDIR)$(datadir)/bash-completion/completions/archway \
	    $(DESTDIR)$(datadir)/zsh/site-functions/_archway \
	    $(DESTDIR)$(datadir)/fish/vendor_completions.d/archway.fish
	@rm -rf $(DESTDIR)$(includedir)/archway $(DESTDIR)$(libexecdir)/archway $(DESTDIR)$(datadir)/archway

.PHONY: docs install uninstall
