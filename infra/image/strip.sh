#!/bin/sh
# Run once in the image that processes run in: takes away what installs, builds or gains rights, and adds the user 10001.
# Ends with 1 where a build tool is still found.
set -eu
for lib in /usr/lib/python3 /usr/lib/python3.11 /usr/local/lib/python3.11; do
    rm -rf "$lib/ensurepip" "$lib/idlelib" "$lib/lib2to3" "$lib/test" "$lib/turtledemo"
    for packages in "$lib/site-packages" "$lib/dist-packages"; do
        rm -rf "$packages/pip" "$packages/setuptools" "$packages/wheel" "$packages/pkg_resources" "$packages/_distutils_hack"
        rm -rf "$packages"/pip-*.dist-info "$packages"/setuptools-*.dist-info "$packages"/wheel-*.dist-info
        rm -f "$packages/distutils-precedence.pth"
    done
done
rm -rf /usr/share/python-wheels /root/.cache
for folder in /usr/local/bin /usr/bin; do
    rm -f "$folder"/pip* "$folder"/wheel "$folder"/idle3* "$folder"/2to3* "$folder"/python*-config
done
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
for tool in cc gcc g++ c++ ld as make cmake pip pip3 uv git; do
    if command -v "$tool"; then
        echo "$tool must not be in the image: choose a BASE without it" >&2
        exit 1
    fi
done
grep -q '^tongban:' /etc/group || echo 'tongban:x:10001:' >>/etc/group
grep -q '^tongban:' /etc/passwd || echo 'tongban:x:10001:10001:tongban:/nonexistent:/usr/sbin/nologin' >>/etc/passwd
