cli.deps := box image binfmt ns codec base
cli.libs :=
