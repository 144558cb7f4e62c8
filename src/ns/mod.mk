ns.deps := base
ns.libs :=
