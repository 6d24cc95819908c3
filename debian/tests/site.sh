# Licensed under the Apache License, Version 2.0; see LICENSE.
# site.sh - for the tests beside it: a site on two pools of PHP-FPM, and what it has to do. It is taken away at the
# end; the modules stay enabled.
set -eu

manager=http://localhost/balancer-manager/v1
member=unix%3A%2Frun%2Fphp%2Fone.sock%7Cfcgi%3A%2F%2Fone
version=$(ls /etc/php | tail -n 1)
conf=/etc/apache2/conf-enabled/autopkgtest.conf
pools=/etc/php/$version/fpm/pool.d/autopkgtest.conf
root=/var/www/autopkgtest
token=/etc/apache2/autopkgtest.token

check() { # NAME COMMAND...
    name=$1
    shift
    if "$@"; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        tail -n 20 /var/log/apache2/error.log
        exit 1
    fi
}

eventually() { # COMMAND...: within 20 s
    for _ in $(seq 200); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    return 1
}

remove_site() {
    rm -rf "$conf" "$pools" "$root" "$token"
    service apache2 restart || true
    service "php$version-fpm" restart || true
}

make_site() {
    trap remove_site EXIT
    mkdir -p "$root"
    echo '<?php header("Content-Type: text/plain"); echo getenv("POOL"), " ", strlen(file_get_contents("php://input"));' \
        > "$root/x.php"
    : > "$pools"
    for pool in one two; do
        printf '[%s]\nuser = www-data\ngroup = www-data\nlisten = /run/php/%s.sock\nlisten.owner = www-data
pm = static\npm.max_children = 2\nenv[POOL] = %s\n' $pool $pool $pool >> "$pools"
    done
    echo a-secret-of-enough-letters > "$token"
    chmod 600 "$token"
    cat > "$conf" << EOF2
ServerName localhost
BalancerPersist On
<Proxy "balancer://app">
    BalancerMember "unix:/run/php/one.sock|fcgi://one"
    BalancerMember "unix:/run/php/two.sock|fcgi://two"
</Proxy>
ProxyPassMatch "^/(x\.php)$" "balancer://app$root/\$1"
<Location "/balancer-manager">
    SetHandler balancer-manager
    Require local
    BalancerManagerToken $token tester
    BalancerManagerRequire edit user tester
</Location>
EOF2
    service "php$version-fpm" restart
}

# As README.md says.
enable_modules() {
    a2dismod --quiet --force proxy_balancer && a2enmod --quiet proxy_fastcgi balancer_byrequests balancer_manager
}

answers() { curl -sf http://localhost/x.php > /dev/null; }

both_serve() {
    [ "$(for _ in 1 2 3 4 5 6; do curl -sf http://localhost/x.php && echo; done | cut -d' ' -f1 | sort | uniq -c | tr -s ' \n' ' ')" \
        = ' 3 one 3 two ' ]
}

takes_upload() {
    head -c 5000000 /dev/zero | curl -sf --data-binary @- http://localhost/x.php | grep -q ' 5000000$'
}

manager_answers() { curl -sf "$manager/status" | grep -q '"fcgi://one'; }

change_limit() {
    printf 'Authorization: Bearer %s\n' "$(cat "$token")" |
        curl -sf -X PATCH "$manager/balancers/app/members/$member" -H @- -H 'Content-Type: application/json' \
            -d '{"limit": 90}' > /dev/null
}

limit_is_changed() { curl -sf "$manager/balancers/app/members/$member" | grep -q '"limit":90,'; }
