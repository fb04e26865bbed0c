_smrep_completion() {
    local program=${1/#\~/$HOME} IFS=$'\t' type value help
    type -P -- "$program" >/dev/null || program=smrep
    COMPREPLY=()
    while read -r type value help; do
        if [[ $type == file ]]; then
            compopt -o default 2>/dev/null
        elif [[ $type ]]; then
            COMPREPLY+=("$value")
        fi
    done <<<"$(env _SMREP_COMPLETE=bash_complete "$program" "${COMP_LINE:0:COMP_POINT}" "$2" </dev/null 2>/dev/null)"
}

complete -o nosort -F _smrep_completion smrep 2>/dev/null || complete -F _smrep_completion smrep
