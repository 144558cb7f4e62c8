binfmt.deps := codec base
binfmt.libs :=
