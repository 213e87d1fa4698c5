# npm_packages TOPIC NAME@VERSION...: installs them into build/npm; prints "SKIP TOPIC: ..." and is false where that
# cannot be. To be sourced, from the repository root.
npm_packages() {
    topic=$1
    shift
    for tool in node npm; do
        command -v $tool >/dev/null 2>&1 || { echo "SKIP $topic: $tool is not installed"; return 1; }
    done
    mkdir -p build/npm
    for package in "$@"; do
        grep -qs "\"version\": \"${package##*@}\"" "build/npm/node_modules/${package%@*}/package.json" && continue
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/npm "$@" >/dev/null 2>&1 && return 0
        echo "SKIP $topic: the npm packages $* cannot be installed (no network?)"
        return 1
    done
}
