# bash completion for misskey-tail
# SPDX-License-Identifier: Unlicense OR MIT-0
_misskey_tail()
{
    local word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --channel)
        COMPREPLY=($(compgen -W "localTimeline homeTimeline hybridTimeline globalTimeline main drive userList antenna
            hashtag channel roleTimeline serverStats queueStats" -- "$word"))
        ;;
    --filter)
        COMPREPLY=($(compgen -W "note notification mention reply renote noteUpdated reacted unreacted pollVoted deleted
            emojiAdded emojiUpdated emojiDeleted announcementCreated" -- "$word"))
        ;;
    --token-file | --ca) COMPREPLY=($(compgen -f -- "$word")) ;;
    --record | --replay) COMPREPLY=($(compgen -d -- "$word")) ;;
    --speed | --count | --seconds) COMPREPLY=() ;;
    *)
        case $word in
        -*)
            COMPREPLY=($(compgen -W "--channel --capture --filter --count --seconds --token-file --token-in-query
                --login --plain --ca --record --replay --speed --json --raw --stats --no-color --help" -- "$word"))
            ;;
        *) COMPREPLY=($(compgen -A hostname -- "$word")) ;;
        esac
        ;;
    esac
}
complete -o filenames -F _misskey_tail misskey-tail
