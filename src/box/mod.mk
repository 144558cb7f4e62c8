box.deps := image binfmt ns codec base
box.libs :=
