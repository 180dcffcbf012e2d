#!/bin/sh
# example.sh HEADER: prints the program in sympie.h's documentation.
sed -n '/^ \*     #include <stdio.h>/,/^ \*     }$/s/^ \*     \{0,1\}//p' "$1" | sed 's/^ \*$//'
