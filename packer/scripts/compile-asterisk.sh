#!/usr/bin/env bash
# Compiles Asterisk and leaves the installed tree as an archive; does nothing when the archive for these very inputs was staged.
# In: $STAGE/asterisk-source.tar.gz (checked against its pinned hash before it was staged, and here again), ASTERISK_SOURCE_SHA256,
# and $STAGE/modules.txt, the modules that the configuration loads: those are compiled, with what they depend on, and nothing else.
# Out: $STAGE_OUT/asterisk-built.tar.gz, with the list of Debian packages that it needs at run time inside.
set -euo pipefail

if [ -f "$STAGE/asterisk-built.tar.gz" ]; then
  echo "Asterisk: compiled before from these inputs; nothing to compile."
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Compilers and headers leave the machine again below, so what was there before is written down first.
dpkg-query --show --showformat '${Package}\n' | sort > /var/tmp/packages-before
apt-get update -qq
apt-get install -y -qq --no-install-recommends build-essential bzip2 pkg-config wget libedit-dev libjansson-dev libxml2-dev libxslt1-dev \
  libsqlite3-dev libssl-dev libsrtp2-dev libsystemd-dev libcap-dev libcurl4-openssl-dev libspeex-dev libspeexdsp-dev libgsm1-dev \
  libunbound-dev liburiparser-dev unixodbc-dev uuid-dev zlib1g-dev > /dev/null

work=$(mktemp -d /var/tmp/asterisk.XXXXXX)
cd "$work"
echo "$ASTERISK_SOURCE_SHA256  $STAGE/asterisk-source.tar.gz" | sha256sum --check --quiet
tar --extract --gzip --file "$STAGE/asterisk-source.tar.gz" --strip-components=1 --no-same-owner

# The SIP library that Asterisk bundles: its archive is inside a local tarball, or was staged beside the release.
mkdir -p externals
if [ -d "$STAGE/externals" ]; then cp "$STAGE"/externals/* externals/; fi

# With the default of 5,000 epoll handles, TCP handling stops for good once they are used up: raise the limit wherever it is set.
header=third-party/pjproject/patches/config_site.h
sed -i -E 's/^(#define[[:space:]]+PJ_IOQUEUE_MAX_HANDLES[[:space:]]+).*/\1(20000)/' "$header"
grep -q 'PJ_IOQUEUE_MAX_HANDLES[[:space:]]*(20000)' "$header"

# No network from here on: whatever the build still wanted to download would be unpinned.
offline=(unshare --net --)
"${offline[@]}" ./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var --libdir=/usr/lib \
  --with-pjproject-bundled --with-externals-cache="$work/externals" --without-dahdi --without-pri --without-ss7 --without-x11 --without-gtk2 > configure.out 2>&1 ||
  { tail -n 40 configure.out; exit 1; }
make menuselect.makeopts > /dev/null
# BUILD_NATIVE would tie the image to this machine's processor. Sounds would be downloaded at install time. Of the modules, what
# modules.conf doesn't load would never run: it costs minutes here, and is one thing less to patch on the node.
choices=(--disable BUILD_NATIVE)
for category in CORE_SOUNDS EXTRA_SOUNDS MOH ADDONS TESTS AGIS UTILS APPS BRIDGES CDR CEL CHANNELS CODECS FORMATS FUNCS PBX RES; do
  choices+=(--disable-category "MENUSELECT_$category")
done
while read -r module; do choices+=(--enable "$module"); done < "$STAGE/modules.txt"
menuselect/menuselect "${choices[@]}" menuselect.makeopts
# Information for debuggers is stripped below: not making it saves minutes, and the code is the same.
sed -i 's/ -g3$//' third-party/pjproject/Makefile
# A module whose library isn't found is left out without a word; validate.sh holds the result against what a node needs.
# The bundled SIP library first and one file at a time: its libraries wait for each other in ways that its makefiles don't say, and a
# parallel build fails now and then. NOISY_BUILD: the compiler's own words are in what is shown of a failure.
"${offline[@]}" make third-party NOISY_BUILD=yes DEBUG= > make.out 2>&1 || { tail -n 60 make.out; exit 1; }
"${offline[@]}" make -j"$(nproc)" NOISY_BUILD=yes DEBUG= >> make.out 2>&1 || { tail -n 60 make.out; exit 1; }
"${offline[@]}" make install DEBUG= DESTDIR="$work/tree" > install.out 2>&1 || { tail -n 40 install.out; exit 1; }

# How it was built, for validate.sh and for whoever wonders later.
mkdir -p "$work/tree/usr/share/asterisk"
{
  grep '^MENUSELECT_CFLAGS=' menuselect.makeopts
  # The processors' time is the one to compare: it doesn't depend on how many they were, nor on who else was at work.
  echo "COMPILE_SECONDS=$SECONDS"
  awk '{ printf "COMPILE_CPU_SECONDS=%d\n", ($16 + $17) / 100 }' "/proc/$$/stat"
  echo '#include <pj/config.h>' | cpp -dM -I third-party/pjproject/source/pjlib/include -DPJ_AUTOCONF=1 -DPJ_IS_BIG_ENDIAN=0 -DPJ_IS_LITTLE_ENDIAN=1 - |
    sed -nE 's/^#define (PJ_IOQUEUE_MAX_HANDLES) \(?([0-9]+)\)?$/\1=\2/p'
} > "$work/tree/usr/share/asterisk/build-options"

# The libraries that the programs and modules are linked with decide which packages the image must carry.
# (ldd fails for the first file that is a script; what matters is what it prints.)
{ find "$work/tree/usr" -type f \( -name '*.so*' -o -path '*/sbin/*' \) -exec ldd {} + 2> /dev/null || true; } |
  awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u > libraries
while read -r library; do
  case $library in "$work"/*) continue ;; esac
  dpkg-query --search "$(realpath "$library")"
done < libraries | sed 's/:.*//' | sort -u > "$work/tree/usr/share/asterisk/runtime-packages"
find "$work/tree" \( -name '*.a' -o -name '*.la' \) -delete
rm -rf "$work/tree/usr/include" "$work/tree/var/run"
find "$work/tree/usr" -type f \( -name '*.so*' -o -path '*/sbin/asterisk' \) -exec strip --strip-unneeded {} +

mkdir -p "$STAGE_OUT"
tar --create --gzip --sort=name --owner=0 --group=0 --numeric-owner --directory "$work/tree" --file "$STAGE_OUT/asterisk-built.tar.gz.part" .
mv "$STAGE_OUT/asterisk-built.tar.gz.part" "$STAGE_OUT/asterisk-built.tar.gz"

cd /
rm -rf "$work"
# The compilers go; what was there before stays.
dpkg-query --show --showformat '${Package}\n' | sort | comm -13 /var/tmp/packages-before - | xargs apt-get purge -y -qq > /dev/null
rm /var/tmp/packages-before
