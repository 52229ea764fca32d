echo took $SECONDS
