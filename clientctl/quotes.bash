
# Words in quotes that have no end yet, such as "John D, which the functions above do not
# complete. What is in them is not evaluated. No descriptions are shown.
__clientctl_complete()
{
    local cur prev words cword split
    COMPREPLY=()
    if declare -F _init_completion >/dev/null 2>&1; then
        _init_completion -n =: || return
    else
        __clientctl_init_completion -n =: || return
    fi

    local quote=${cur:0:1} begun=${cur:1}
    case $quote in
    "'")
        [[ $begun != *"'"* ]] || quote=
        ;;
    '"')
        local rest=${begun//'\\'/}
        [[ ${rest//'\"'/} != *'"'* ]] || quote=
        ;;
    *)
        quote=
        ;;
    esac
    if [[ -z $quote ]]; then
        __start_clientctl "$@"
        return
    fi
    __clientctl_quoted
}

# Completes $begun, which stands in the quotes $quote.
__clientctl_quoted()
{
    local char escaped out word
    if [[ $quote == '"' ]]; then
        for char in '"' '$' '`' '\'; do # the backslash last: it escapes the others
            escaped="\\$char"
            begun=${begun//"$escaped"/"$char"}
        done
    fi
    out=$(eval "${words[*]:0:1} __completeNoDesc ${words[*]:1:cword-1}" '"$begun"' 2>/dev/null)
    if (( ${out##*:} & 4 )) && [[ $(type -t compopt) == builtin ]]; then
        compopt +o default
    fi
    while IFS='' read -r word; do
        if [[ $word == "$begun"* && -n $word ]]; then
            COMPREPLY+=("$(__clientctl_in_quotes "$word")")
        fi
    done <<<"${out%:*}"
}

# Writes a word as it has to stand in the quotes $quote.
__clientctl_in_quotes()
{
    local word=$1 char escaped
    if [[ $quote == "'" ]]; then
        char="'" escaped="'\\''"
        word=${word//"$char"/"$escaped"}
    else
        for char in '\' '"' '$' '`'; do
            escaped="\\$char"
            word=${word//"$char"/"$escaped"}
        done
    fi
    printf '%s' "$word"
}

if [[ $(type -t compopt) = "builtin" ]]; then
    complete -o default -F __clientctl_complete clientctl
else
    complete -o default -o nospace -F __clientctl_complete clientctl
fi
