#compdef smrep

_smrep_completion() {
    local program=${${(Q)words[1]}/#\~/$HOME} line
    local -a parts candidates explained
    whence -p -- "$program" >/dev/null || program=smrep
    for line in "${(@f)$(env _SMREP_COMPLETE=zsh_complete "$program" "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" \
            </dev/null 2>/dev/null)}"; do
        parts=("${(@ps:\t:)line}")
        if [[ $parts[1] == file ]]; then
            compset -P "${(b)parts[2]}"
            _files
        elif [[ -n $parts[3] ]]; then
            explained+=("${${parts[2]//\\/\\\\}//:/\\:}:$parts[3]")
        elif [[ -n $parts[2] ]]; then
            candidates+=("$parts[2]")
        fi
    done
    (( $#explained )) && _describe -V smrep explained
    (( $#candidates )) && compadd -V smrep -a -- candidates
    return 0
}

if (( $+compstate )); then
    _smrep_completion "$@"
else
    compdef _smrep_completion smrep
fi
