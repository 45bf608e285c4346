# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# itsy.bash - completion of itsy's commands, options, verbs, keys, guests and devices in bash
#
# All words come from itsy itself, by its help and its lists, so that none is missing here.

# The words in the first column of itsy's help behind a heading: _itsy_column HEADING COMMAND...
_itsy_column()
{
	local heading=$1
	shift

	itsy "$@" 2>/dev/null | awk -v heading="$heading" '
		/^[^ ]/ { on = index($0, heading) == 1; next }
		on && /^  [a-z]/ { print $1 }'
}

_itsy_commands()
{
	_itsy_column Commands: --help
}

_itsy_options()
{
	itsy help "$1" 2>/dev/null | awk '/^  --/ { print $1 }'
}

# The words that an option takes, where its help has them: "--route uring|spin|irqfd|auto".
_itsy_values()
{
	itsy help "$1" 2>/dev/null |
		awk -v option="$2" '$1 == option && $2 ~ /^[a-z0-9_-]+(\|[a-z0-9:A-Z_-]+)+$/ { gsub(/\|/, "\n", $2); print $2 }'
}

_itsy_verbs()
{
	itsy help ctl 2>/dev/null | awk '/^[^ ]/ { on = /^Verbs:/; next } on && $1 == "NAME" { print $2 }'
}

_itsy_guests()
{
	itsy list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# The first argument of a verb that is a device, or words, as its usage has it.
_itsy_devices_of_guest()
{
	itsy ctl "$1" 2>/dev/null | sed -n '2,$s/:.*//p'
}

_itsy_bdfs()
{
	itsy devices 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# What is offered, but for files: words, one a line. COMP_WORDBREAKS has ':', which is in addresses.
_itsy_offer()
{
	local word

	COMPREPLY=()
	while IFS= read -r word; do
		[[ $word != "$cur"* ]] || COMPREPLY+=("$word")
	done
	# Of the package bash-completion.
	! declare -F __ltrim_colon_completions >/dev/null || __ltrim_colon_completions "$cur"
}

_itsy_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# The words of the command line that are no options, behind the command.
_itsy_typed()
{
	local word

	typed=()
	for word in "${words[@]:2:cword-2}"; do
		[[ $word = -* ]] || typed+=("$word")
	done
}

_itsy_argument()
{
	local command=$1 typed
	_itsy_typed

	case $command in
	run | check) _itsy_files ;;
	bind | release | devices) _itsy_offer < <(_itsy_bdfs) ;;
	stop | pause | resume | reset | top) _itsy_offer < <(_itsy_guests) ;;
	ctl) case ${#typed[@]} in
		0) _itsy_offer < <(_itsy_guests) ;;
		1) _itsy_offer < <(_itsy_verbs) ;;
		2) _itsy_offer < <(_itsy_devices_of_guest "${typed[0]}"; [ "${typed[1]}" != route ] || echo all
			[ "${typed[1]}" != histogram ] || printf '%s\n' on off) ;;
		*) _itsy_offer < <(printf '%s\n' uring spin irqfd auto) ;;
		esac ;;
	bench) _itsy_offer < <(printf '%s\n' irq device) ;;
	help) _itsy_offer < <(_itsy_commands) ;;
	esac
}

_itsy_value()
{
	local command=$1 option=$2 values

	case $option in
	--device) _itsy_offer < <(_itsy_bdfs) ;;
	--kernel | --initrd | --log-file | --stats-json | --dump-dtb | --root | --plot) _itsy_files ;;
	*)	values=$(_itsy_values "$command" "$option")
		_itsy_offer <<<"$values" ;;
	esac
}

# Has the option a value, by its help?
_itsy_has_value()
{
	itsy help "$1" 2>/dev/null | awk -v option="$2" '$1 == option && $2 ~ /^[A-Z]|\|/ { found = 1 } END { exit !found }'
}

_itsy()
{
	local cur prev words cword

	if declare -F _init_completion >/dev/null; then
		_init_completion -n : || return
	else
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
		prev=${COMP_WORDS[COMP_CWORD - 1]}
	fi
	if [ "$cword" = 1 ]; then
		_itsy_offer < <(_itsy_commands)
	elif [[ $prev = --* ]] && _itsy_has_value "${words[1]}" "$prev"; then
		_itsy_value "${words[1]}" "$prev"
	elif [[ $cur = -* ]]; then
		_itsy_offer < <(_itsy_options "${words[1]}")
	else
		_itsy_argument "${words[1]}"
	fi
}

complete -F _itsy itsy
