# SPDX-License-Identifier: Apache-2.0
# The text of A64's instructions: what the templates of a64.isa are made of.
#
# In a template, % is the row's name up to the first underscore, <name> or <name:field> an operand;
# all else stands for itself. Operands are picks and macros from here, or kinds that
# a64_disasm.c prints (every other name; tools/gen-isa makes the enum).

# pick NAME PLACE:WIDTH [PLACE:WIDTH] = what to print for each value of those bits; _ for nothing.
pick bhsd   22:2 = b h s d
pick hsdq   22:2 = h s d q
pick sd     22:1 = s d
pick sd_h   22:2 = s d ? h
pick sd_h2  15:2 = s d ? h
pick sdq    30:2 = s d q ?
pick bhsdq  30:2 23:1 = b q h ? s ? d ?
pick bh     30:2 = b h _ _
pick bhw    30:2 = b h w ?
pick crc    10:3 = b h w x cb ch cw cx
pick al     22:2 = _ l a al
pick casal  22:1 15:1 = _ l a al
pick t      22:2 30:1 = 8b 16b 4h 8h 2s 4s 1d 2d
pick tw     22:2 = 8h 4s 2d 1q
pick tp     22:2 30:1 = 4h 8h 2s 4s 1d 2d ? ?
pick tb     30:1 = 8b 16b
pick th     30:1 = 4h 8h
pick ts     30:1 = 2s 4s
pick ft     22:1 30:1 = 2s 4s ? 2d
pick fpt    22:1 = 2s 2d
pick fnt    22:1 30:1 = 4h 8h 2s 4s
pick fwt    22:1 = 4s 2d
pick q2     30:1 = _ 2
pick us     16:1 = s u
pick e      4:1 = _ e
pick round  19:2 = n p m z
pick rot    11:2 = #0 #90 #180 #270
pick erot   13:2 = #0 #90 #180 #270
pick rot1   12:1 = #90 #270
pick msl    12:1 = 8 16
pick shllby 22:2 = #8 #16 #32 ?
pick barrier 8:4 = #0 oshld oshst osh #4 nshld nshst nsh #8 ishld ishst ish #12 ld st sy
pick prfop  0:5 = pldl1keep pldl1strm pldl2keep pldl2strm pldl3keep pldl3strm #6 #7 \
                  plil1keep plil1strm plil2keep plil2strm plil3keep plil3strm #14 #15 \
                  pstl1keep pstl1strm pstl2keep pstl2strm pstl3keep pstl3strm #22 #23 \
                  #24 #25 #26 #27 #28 #29 #30 #31

# macro NAME = what <NAME:field> stands for, @ being the field.
macro v   = v<n:@>
macro q   = q<n:@>
macro d   = d<n:@>
macro ss  = s<n:@>
macro s   = <bhsd><n:@>
macro sw  = <hsdq><n:@>
macro fs  = <sd><n:@>
macro f   = <sd_h><n:@>
macro fo  = <sd_h2><n:@>
macro pf  = <sdq><n:@>
macro vz  = <bhsdq><n:@>
macro hs  = <hsize><n:@>
macro hsw = <hwsize><n:@>
macro is  = <isize><n:@>

# What the system registers are called that EL0 may reach, or that Linux emulates for it.
sysreg S3_0_C0_C0_0 MIDR_EL1
sysreg S3_0_C0_C0_5 MPIDR_EL1
sysreg S3_0_C0_C0_6 REVIDR_EL1
sysreg S3_0_C0_C4_0 ID_AA64PFR0_EL1
sysreg S3_0_C0_C4_1 ID_AA64PFR1_EL1
sysreg S3_0_C0_C4_4 ID_AA64ZFR0_EL1
sysreg S3_0_C0_C5_0 ID_AA64DFR0_EL1
sysreg S3_0_C0_C5_1 ID_AA64DFR1_EL1
sysreg S3_0_C0_C5_4 ID_AA64AFR0_EL1
sysreg S3_0_C0_C5_5 ID_AA64AFR1_EL1
sysreg S3_0_C0_C6_0 ID_AA64ISAR0_EL1
sysreg S3_0_C0_C6_1 ID_AA64ISAR1_EL1
sysreg S3_0_C0_C6_2 ID_AA64ISAR2_EL1
sysreg S3_0_C0_C7_0 ID_AA64MMFR0_EL1
sysreg S3_0_C0_C7_1 ID_AA64MMFR1_EL1
sysreg S3_0_C0_C7_2 ID_AA64MMFR2_EL1
sysreg S3_3_C0_C0_1 CTR_EL0
sysreg S3_3_C0_C0_7 DCZID_EL0
sysreg S3_3_C4_C2_0 NZCV
sysreg S3_3_C4_C2_5 DIT
sysreg S3_3_C4_C4_0 FPCR
sysreg S3_3_C4_C4_1 FPSR
sysreg S3_3_C13_C0_2 TPIDR_EL0
sysreg S3_3_C13_C0_3 TPIDRRO_EL0
sysreg S3_3_C14_C0_0 CNTFRQ_EL0
sysreg S3_3_C14_C0_1 CNTPCT_EL0
sysreg S3_3_C14_C0_2 CNTVCT_EL0
sysreg S3_3_C14_C2_0 CNTP_TVAL_EL0
sysreg S3_3_C14_C2_1 CNTP_CTL_EL0
sysreg S3_3_C14_C2_2 CNTP_CVAL_EL0
sysreg S3_3_C14_C3_0 CNTV_TVAL_EL0
sysreg S3_3_C14_C3_1 CNTV_CTL_EL0
sysreg S3_3_C14_C3_2 CNTV_CVAL_EL0

# form NAME TEMPLATE
form rrr       % <r:rd>, <r:rn>, <r:rm>
form rrrs      % <r:rd>, <r:rn>, <r:rm><shift>
form rr        % <r:rd>, <r:rn>
form addi      % <rsp:rd>, <rsp:rn>, <imm12>
form addsi     % <r:rd>, <rsp:rn>, <imm12>
form andi      % <rsp:rd>, <r:rn>, <bitmask>
form adde      % <rsp:rd>, <rsp:rn>, <ext>
form addse     % <r:rd>, <rsp:rn>, <exts>
form bfmx      % <r:rd>, <r:rn>, <u:immr>, <u:imms>
form ccmp      % <r:rn>, <r:rm>, <u:nzcv>, <cond:cond>
form ccmpi     % <r:rn>, <u:imm5>, <u:nzcv>, <cond:cond>
form csel      % <r:rd>, <r:rn>, <r:rm>, <cond:cond>
form rrrr      % <r:rd>, <r:rn>, <r:rm>, <r:ra>
form xwwx      % <x:rd>, <w:rn>, <w:rm>, <x:ra>
form xxx       % <x:rd>, <x:rn>, <x:rm>
form movw      % <r:rd>, <imm16>
form b19       % <r:rt>, <rel:imm19>
form tb        % <r:rt>, <tbbit>, <rel:imm14>
form xn        % <x:rn>
form bare      %
form bar       % <barrier>
form pair      % <r:rt>, <r:rt2>, [<xsp:rn><poff>]
form pairpost  % <r:rt>, <r:rt2>, [<xsp:rn>], <pimm>
form pairpre   % <r:rt>, <r:rt2>, [<xsp:rn>, <pimm>]!
form fpair     % <pf:rt>, <pf:rt2>, [<xsp:rn><pfoff>]
form fpairpost % <pf:rt>, <pf:rt2>, [<xsp:rn>], <pfimm>
form fpairpre  % <pf:rt>, <pf:rt2>, [<xsp:rn>, <pfimm>]!
form uimm      %<bh> <rz:rt>, [<xsp:rn><uoff>]
form imm9      %<bh> <rz:rt>, [<xsp:rn><soff>]
form post      %<bh> <rz:rt>, [<xsp:rn>], <simm>
form pre       %<bh> <rz:rt>, [<xsp:rn>, <simm>]!
form idx       %<bh> <rz:rt>, [<xsp:rn>, <mext>]
form fuimm     % <vz:rt>, [<xsp:rn><vuoff>]
form fimm9     % <vz:rt>, [<xsp:rn><soff>]
form fpost     % <vz:rt>, [<xsp:rn>], <simm>
form fpre      % <vz:rt>, [<xsp:rn>, <simm>]!
form fidx      % <vz:rt>, [<xsp:rn>, <vmext>]
form acq       %<bh> <rz:rt>, [<xsp:rn>]
form stx       %<bh> <w:rs>, <rz:rt>, [<xsp:rn>]
form stxp      % <w:rs>, <p:rt>, <p:rt2>, [<xsp:rn>]
form ldxp      % <p:rt>, <p:rt2>, [<xsp:rn>]
form lse       %<al><bh> <rz:rs>, <rz:rt>, [<xsp:rn>]
form vvv       % <v:rd>.<t>, <v:rn>.<t>, <v:rm>.<t>
form sss       % <s:rd>, <s:rn>, <s:rm>
form bbb       % <v:rd>.<tb>, <v:rn>.<tb>, <v:rm>.<tb>
form bb        % <v:rd>.<tb>, <v:rn>.<tb>
form lvv       %<q2> <v:rd>.<tw>, <v:rn>.<t>, <v:rm>.<t>
form lss       % <sw:rd>, <s:rn>, <s:rm>
form lwv       %<q2> <v:rd>.<tw>, <v:rn>.<tw>, <v:rm>.<t>
form nww       %<q2> <v:rd>.<t>, <v:rn>.<tw>, <v:rm>.<tw>
form vv        % <v:rd>.<t>, <v:rn>.<t>
form ss        % <s:rd>, <s:rn>
form vv0       % <v:rd>.<t>, <v:rn>.<t>, #0
form ss0       % <s:rd>, <s:rn>, #0
form pv        % <v:rd>.<tp>, <v:rn>.<t>
form nw        %<q2> <v:rd>.<t>, <v:rn>.<tw>
form sn        % <s:rd>, <sw:rn>
form across    % <s:rd>, <v:rn>.<t>
form lacross   % <sw:rd>, <v:rn>.<t>
form shr       % <v:rd>.<ht>, <v:rn>.<ht>, <shr>
form shrs      % <hs:rd>, <hs:rn>, <shr>
form shl       % <v:rd>.<ht>, <v:rn>.<ht>, <shl>
form shls      % <hs:rd>, <hs:rn>, <shl>
form shrn      %<q2> <v:rd>.<ht>, <v:rn>.<htw>, <shr>
form shrns     % <hs:rd>, <hsw:rn>, <shr>
form shll      %<q2> <v:rd>.<htw>, <v:rn>.<ht>, <shl>
form vve       % <v:rd>.<t>, <v:rn>.<t>, <elem>
form lve       %<q2> <v:rd>.<tw>, <v:rn>.<t>, <elem>
form lse1      % <sw:rd>, <s:rn>, <elem>
form sse       % <s:rd>, <s:rn>, <elem>
form dot       % <v:rd>.<ts>, <v:rn>.<tb>, <v:rm>.<tb>
form aes       % <v:rd>.16b, <v:rn>.16b
form sha3      % <v:rd>.4s, <v:rn>.4s, <v:rm>.4s
form sha2      % <v:rd>.4s, <v:rn>.4s
form fff       % <f:rd>, <f:rn>, <f:rm>
form ff        % <f:rd>, <f:rn>
form ffff      % <f:rd>, <f:rn>, <f:rm>, <f:ra>
form fvvv      % <v:rd>.<ft>, <v:rn>.<ft>, <v:rm>.<ft>
form fsss      % <fs:rd>, <fs:rn>, <fs:rm>
form fvv       % <v:rd>.<ft>, <v:rn>.<ft>
form fss       % <fs:rd>, <fs:rn>
form fvv0      % <v:rd>.<ft>, <v:rn>.<ft>, #0.0
form fss0      % <fs:rd>, <fs:rn>, #0.0
form facross   % <fs:rd>, <v:rn>.4s
form fpairs    % <fs:rd>, <v:rn>.<fpt>
form fvve      % <v:rd>.<ft>, <v:rn>.<ft>, <felem>
form fsse      % <fs:rd>, <fs:rn>, <felem>
