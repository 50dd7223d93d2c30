"""How a family of models is trained and measured: configuration, build, train, evaluate, panels."""
