#!/usr/bin/env bash
# run.sh BUILD PLUGIN: installs the build into a folder of its own; then the
# program in sympie.h's documentation is compiled against that, linked both ways
# and run; the headers go through strict compilers; and neither the library nor
# the plugin exports what is not theirs to export.
set -euo pipefail

build=$1 plugin=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

DESTDIR=$folder/root meson install -C "$build" --no-rebuild --quiet
pc=$(find "$folder/root" -name sympie.pc)
[ -n "$pc" ] || fail "no sympie.pc"

# The plugin lies where the prefix says, wherever GStreamer is.
prefix=$(sed -n 's/^prefix=//p' "$pc")
[ -n "$(find "$folder/root$prefix" -name libgstsympie.so)" ] || fail "no plugin under $prefix"

# The service has it all, wherever that is.
unit=$folder/root$prefix/lib/systemd/system/sympie@.service
plugins=$(sed -n 's/^Environment=GST_PLUGIN_PATH=//p' "$unit")
[ -f "$folder/root$plugins/libgstsympie.so" ] || fail "the service looks for plugins in '$plugins'"
program=$(sed -nE 's/^ExecStart=([^ ]+) .*/\1/p' "$unit")
[ -x "$folder/root$program" ] || fail "the service starts '$program'"

export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$folder/root
lib=$(dirname "${pc%/*}")
export LD_LIBRARY_PATH=$lib

# The example, as it stands in the header, of at most 40 lines.
"${0%/*}/example.sh" "$(find "$folder/root" -name sympie.h)" >"$folder/example.c"
lines=$(wc -l <"$folder/example.c")
[ "$lines" -gt 20 ] && [ "$lines" -le 40 ] || fail "example of $lines lines"

strict=(-std=c99 -pedantic -Wall -Wextra -Werror)
read -ra flags <<<"$(pkg-config --cflags sympie)"
read -ra libs <<<"$(pkg-config --libs sympie)"
read -ra static_libs <<<"$(pkg-config --static --libs sympie)"
cc "${strict[@]}" "$folder/example.c" "${flags[@]}" -o "$folder/shared" "${libs[@]}"
cc "${strict[@]}" "$folder/example.c" "${flags[@]}" -o "$folder/static" \
  "$lib/libsympie.a" "${static_libs[@]}"
readelf -d "$folder/shared" | grep -q 'NEEDED.*libsympie\.so\.0' || fail "soname"
LD_LIBRARY_PATH='' ldd "$folder/static" | grep -q libsympie &&
  fail "the static program needs the shared library"

head -c 921600 /dev/zero | tr '\0' 'a' >"$folder/in"
for program in shared static; do
  "$folder/$program" "$SYMPIE_WEIGHTS" <"$folder/in" >"$folder/$program.out" ||
    fail "the example, $program"
  [ "$(wc -c <"$folder/$program.out")" -eq 921600 ] || fail "$program: no picture"
done
cmp "$folder/shared.out" "$folder/static.out"
"$folder/shared" /nowhere <"$folder/in" >/dev/null 2>"$folder/message" &&
  fail "weights that are not there"
grep -q '/nowhere: cannot open' "$folder/message" || fail "$(cat "$folder/message")"

# Corruptions come apart, with the same flags.
cat >"$folder/spoil.c" <<'C'
#include <stdio.h>
#include <sympie_corrupt.h>

static unsigned char pixels[3 * 640 * 480];

int
main (void)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieImage image = SYMPIE_IMAGE_INIT;
  SympieTarget target = SYMPIE_TARGET_INIT;
  SympieCorruptor *corruptor = sympie_corruptor_new (&config, NULL);
  bool ok = fread (pixels, sizeof pixels, 1, stdin) == 1;

  image.width = 640;
  image.height = 480;
  image.planes[0] = target.planes[0] = pixels;
  image.strides[0] = target.strides[0] = 3 * 640;
  image.colorimetry.full_range = true;
  ok = ok && sympie_corrupt (corruptor, &image, &target,
                 SYMPIE_CORRUPTION_JPEG_COMPRESSION, 5, 1, 0, NULL);
  sympie_corruptor_free (corruptor);
  return !ok || fwrite (pixels, sizeof pixels, 1, stdout) != 1;
}
C
read -ra flags <<<"$(pkg-config --cflags sympie-corrupt)"
read -ra libs <<<"$(pkg-config --libs sympie-corrupt)"
read -ra static_libs <<<"$(pkg-config --static --libs sympie-corrupt)"
cc "${strict[@]}" "$folder/spoil.c" "${flags[@]}" -o "$folder/shared" "${libs[@]}"
cc "${strict[@]}" "$folder/spoil.c" "${flags[@]}" -o "$folder/static" \
  -Wl,-Bstatic "${static_libs[@]}" -Wl,-Bdynamic
readelf -d "$folder/shared" | grep -q 'NEEDED.*libsympie-corrupt\.so\.0' || fail "soname"
LD_LIBRARY_PATH='' ldd "$folder/static" | grep -q libsympie &&
  fail "the static program needs the shared library"
"$folder/shared" <"$folder/in" >"$folder/shared.out" || fail "a corruption, shared"
"$folder/static" <"$folder/in" >"$folder/static.out" || fail "a corruption, static"
cmp "$folder/shared.out" "$folder/static.out"

# The headers alone, in both languages.
for name in sympie sympie_corrupt; do
  cat >"$folder/header.c" <<C
#include <$name.h>

int
main (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieImage image = SYMPIE_IMAGE_INIT;
  SympieTarget target = SYMPIE_TARGET_INIT;
  SympieFeaturesConfig features = SYMPIE_FEATURES_CONFIG_INIT;

  return config.n_threads + image.width + target.memory + features.n_threads;
}
C
  cc "${strict[@]}" "${flags[@]}" -c "$folder/header.c" -o "$folder/header.o"
  c++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Wconversion \
    -Wzero-as-null-pointer-constant -Werror "${flags[@]}" -c \
    "$folder/header.c" -o "$folder/header.o"
done

# Without the marks that the linker itself puts around sections, and exports where a
# library beside it does.
exported() {
  nm -D --defined-only "$1" | awk '{ print $3 }' | grep -vxE '__bss_start|_edata|_end' || true
}
foreign=$(exported "$lib/libsympie.so.0" | grep -v '^sympie_' || true)
[ -z "$foreign" ] || fail "the library exports $foreign"
exported "$lib/libsympie.so.0" | grep -q '^sympie_open$' || fail "no sympie_open"
foreign=$(exported "$lib/libsympie-corrupt.so.0" | grep -v '^sympie_corrupt' || true)
[ -z "$foreign" ] || fail "the library of corruptions exports $foreign"
foreign=$(exported "$plugin" | grep -v '^gst_plugin_' || true)
[ -z "$foreign" ] || fail "the plugin exports $foreign"
exported "$plugin" | grep -q '^gst_plugin_sympie_' || fail "the plugin is none"

# Debian's packages list what there is to link.
for name in libsympie libsympie-corrupt; do
  diff <(exported "$lib/$name.so.0" | sort) \
    <(sed -n 's/^ \(.*\)@.*/\1/p' "${0%/*}/../../packaging/debian/${name}0.symbols" | sort) >&2 ||
    fail "packaging/debian/${name}0.symbols lists others"
done

# Who enhances links what that needs.
readelf -d "$lib/libsympie.so.0" | grep NEEDED | grep -vE '\[(lib(c|m|dl|rt|pthread)|ld-linux.*)\.' &&
  fail "the library needs more than C's"
printf 'install: the example of %s lines ran with both libraries\n' "$lines"
