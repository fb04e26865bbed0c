function _smrep_completion
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r '^~(?=/)' -- $HOME $words[1])
    command -q -- $program; or set program smrep
    for line in (env _SMREP_COMPLETE=fish_complete $program $words "$word" </dev/null 2>/dev/null)
        set -l parts (string split \t -- $line)
        if test "$parts[1]" = file
            for path in (__fish_complete_path (string sub -s (math 1 + (string length -- "$parts[2]")) -- "$word"))
                printf '%s\n' $parts[2]$path
            end
        else
            printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
    end
end

complete --no-files --keep-order --command smrep --arguments '(_smrep_completion)'
