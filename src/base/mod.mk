# libc only
base.deps :=
base.libs :=
