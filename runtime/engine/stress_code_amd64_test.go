//go:build linux || windows

package engine

// stressCode is a loop for each kind of thread. rbx is the thread's own memory, the
// other addresses are those of stressShared; every trip is checked, and counted at
// (rbx). A thread that sees the stop word ends with int3, one that finds something
// wrong with ud2.
const stressCode = `
			                              ; raw:
			83 3c 25 00 00 ff 52 00       ;   0 cmpl $0, 1392443392
			0f 85 db 04 00 00             ;   8 jne 0x4e9 <done>
			b8 e7 00 00 00                ;   e movl $231, %eax
			31 d2                         ;  13 xorl %edx, %edx
			48 0f ae ab 00 10 00 00       ;  15 xrstor64 4096(%rbx)
			48 8b 03                      ;  1d movq (%rbx), %rax
			48 8d 48 11                   ;  20 leaq 17(%rax), %rcx
			48 8d 50 12                   ;  24 leaq 18(%rax), %rdx
			48 8d 68 13                   ;  28 leaq 19(%rax), %rbp
			48 8d 70 14                   ;  2c leaq 20(%rax), %rsi
			4c 8d 40 18                   ;  30 leaq 24(%rax), %r8
			4c 8d 48 19                   ;  34 leaq 25(%rax), %r9
			4c 8d 50 1a                   ;  38 leaq 26(%rax), %r10
			4c 8d 58 1b                   ;  3c leaq 27(%rax), %r11
			4c 8d 60 1c                   ;  40 leaq 28(%rax), %r12
			4c 8d 68 1d                   ;  44 leaq 29(%rax), %r13
			4c 8d 70 1e                   ;  48 leaq 30(%rax), %r14
			4c 8d 78 1f                   ;  4c leaq 31(%rax), %r15
			bf 01 00 00 00                ;  50 movl $1, %edi
			48 89 63 38                   ;  55 movq %rsp, 56(%rbx)
			b0 7f                         ;  59 movb $127, %al
			04 01                         ;  5b addb $1, %al
			b4 d7                         ;  5d movb $-41, %ah
			9e                            ;  5f sahf
			fd                            ;  60 std
			b8 00 00 00 00                ;  61 movl $0, %eax
			0f 05                         ;  66 syscall
			9c                            ;  68 pushfq
			fc                            ;  69 cld
			8f 43 20                      ;  6a popq 32(%rbx)
			48 8b 03                      ;  6d movq (%rbx), %rax
			48 8d 50 11                   ;  70 leaq 17(%rax), %rdx
			48 39 d1                      ;  74 cmpq %rdx, %rcx
			0f 85 6d 04 00 00             ;  77 jne 0x4ea <bad>
			48 8d 50 13                   ;  7d leaq 19(%rax), %rdx
			48 39 d5                      ;  81 cmpq %rdx, %rbp
			0f 85 60 04 00 00             ;  84 jne 0x4ea <bad>
			48 8d 50 14                   ;  8a leaq 20(%rax), %rdx
			48 39 d6                      ;  8e cmpq %rdx, %rsi
			0f 85 53 04 00 00             ;  91 jne 0x4ea <bad>
			48 8d 50 18                   ;  97 leaq 24(%rax), %rdx
			49 39 d0                      ;  9b cmpq %rdx, %r8
			0f 85 46 04 00 00             ;  9e jne 0x4ea <bad>
			48 8d 50 19                   ;  a4 leaq 25(%rax), %rdx
			49 39 d1                      ;  a8 cmpq %rdx, %r9
			0f 85 39 04 00 00             ;  ab jne 0x4ea <bad>
			48 8d 50 1a                   ;  b1 leaq 26(%rax), %rdx
			49 39 d2                      ;  b5 cmpq %rdx, %r10
			0f 85 2c 04 00 00             ;  b8 jne 0x4ea <bad>
			48 8d 50 1b                   ;  be leaq 27(%rax), %rdx
			49 39 d3                      ;  c2 cmpq %rdx, %r11
			0f 85 1f 04 00 00             ;  c5 jne 0x4ea <bad>
			48 8d 50 1c                   ;  cb leaq 28(%rax), %rdx
			49 39 d4                      ;  cf cmpq %rdx, %r12
			0f 85 12 04 00 00             ;  d2 jne 0x4ea <bad>
			48 8d 50 1d                   ;  d8 leaq 29(%rax), %rdx
			49 39 d5                      ;  dc cmpq %rdx, %r13
			0f 85 05 04 00 00             ;  df jne 0x4ea <bad>
			48 8d 50 1e                   ;  e5 leaq 30(%rax), %rdx
			49 39 d6                      ;  e9 cmpq %rdx, %r14
			0f 85 f8 03 00 00             ;  ec jne 0x4ea <bad>
			48 8d 50 1f                   ;  f2 leaq 31(%rax), %rdx
			49 39 d7                      ;  f6 cmpq %rdx, %r15
			0f 85 eb 03 00 00             ;  f9 jne 0x4ea <bad>
			48 39 63 38                   ;  ff cmpq %rsp, 56(%rbx)
			0f 85 e1 03 00 00             ; 103 jne 0x4ea <bad>
			83 ff 01                      ; 109 cmpl $1, %edi
			0f 85 d8 03 00 00             ; 10c jne 0x4ea <bad>
			8b 53 20                      ; 112 movl 32(%rbx), %edx
			81 e2 d5 0c 00 00             ; 115 andl $3285, %edx
			81 fa d4 0c 00 00             ; 11b cmpl $3284, %edx
			0f 85 c3 03 00 00             ; 121 jne 0x4ea <bad>
			e8 08 00 00 00                ; 127 callq 0x134 <vectors>
			48 ff 03                      ; 12c incq (%rbx)
			e9 cc fe ff ff                ; 12f jmp 0x0 <raw>
			                              ; vectors:
			b8 e7 00 00 00                ; 134 movl $231, %eax
			31 d2                         ; 139 xorl %edx, %edx
			48 0f ae a3 00 50 00 00       ; 13b xsave64 20480(%rbx)
			48 8d b3 18 10 00 00          ; 143 leaq 4120(%rbx), %rsi
			48 8d bb 18 50 00 00          ; 14a leaq 20504(%rbx), %rdi
			8b 4b 30                      ; 151 movl 48(%rbx), %ecx
			f3 48 a7                      ; 154 rep cmpsq %es:(%rdi), (%rsi)
			0f 85 8d 03 00 00             ; 157 jne 0x4ea <bad>
			48 8b 83 00 10 00 00          ; 15d movq 4096(%rbx), %rax
			48 33 83 00 50 00 00          ; 164 xorq 20480(%rbx), %rax
			48 c1 e0 18                   ; 16b shlq $24, %rax
			0f 85 75 03 00 00             ; 16f jne 0x4ea <bad>
			c3                            ; 175 retq
			                              ; vdso:
			83 3c 25 00 00 ff 52 00       ; 176 cmpl $0, 1392443392
			0f 85 65 03 00 00             ; 17e jne 0x4e9 <done>
			b8 e7 00 00 00                ; 184 movl $231, %eax
			31 d2                         ; 189 xorl %edx, %edx
			48 0f ae ab 00 10 00 00       ; 18b xrstor64 4096(%rbx)
			48 8b 03                      ; 193 movq (%rbx), %rax
			48 8d 48 11                   ; 196 leaq 17(%rax), %rcx
			48 8d 50 12                   ; 19a leaq 18(%rax), %rdx
			48 8d 68 13                   ; 19e leaq 19(%rax), %rbp
			48 8d 70 14                   ; 1a2 leaq 20(%rax), %rsi
			4c 8d 40 18                   ; 1a6 leaq 24(%rax), %r8
			4c 8d 48 19                   ; 1aa leaq 25(%rax), %r9
			4c 8d 50 1a                   ; 1ae leaq 26(%rax), %r10
			4c 8d 58 1b                   ; 1b2 leaq 27(%rax), %r11
			4c 8d 60 1c                   ; 1b6 leaq 28(%rax), %r12
			4c 8d 68 1d                   ; 1ba leaq 29(%rax), %r13
			4c 8d 70 1e                   ; 1be leaq 30(%rax), %r14
			4c 8d 78 1f                   ; 1c2 leaq 31(%rax), %r15
			48 89 63 38                   ; 1c6 movq %rsp, 56(%rbx)
			55                            ; 1ca pushq %rbp
			41 54                         ; 1cb pushq %r12
			bf 01 00 00 00                ; 1cd movl $1, %edi
			48 8d 73 40                   ; 1d2 leaq 64(%rbx), %rsi
			ff 53 08                      ; 1d6 callq *8(%rbx)
			85 c0                         ; 1d9 testl %eax, %eax
			0f 85 09 03 00 00             ; 1db jne 0x4ea <bad>
			9c                            ; 1e1 pushfq
			58                            ; 1e2 popq %rax
			a9 00 04 00 00                ; 1e3 testl $1024, %eax
			0f 85 fc 02 00 00             ; 1e8 jne 0x4ea <bad>
			59                            ; 1ee popq %rcx
			5e                            ; 1ef popq %rsi
			48 8b 03                      ; 1f0 movq (%rbx), %rax
			48 8d 50 1c                   ; 1f3 leaq 28(%rax), %rdx
			48 39 d1                      ; 1f7 cmpq %rdx, %rcx
			0f 85 ea 02 00 00             ; 1fa jne 0x4ea <bad>
			48 8d 50 13                   ; 200 leaq 19(%rax), %rdx
			48 39 d6                      ; 204 cmpq %rdx, %rsi
			0f 85 dd 02 00 00             ; 207 jne 0x4ea <bad>
			48 8d 50 13                   ; 20d leaq 19(%rax), %rdx
			48 39 d5                      ; 211 cmpq %rdx, %rbp
			0f 85 d0 02 00 00             ; 214 jne 0x4ea <bad>
			48 8d 50 1c                   ; 21a leaq 28(%rax), %rdx
			49 39 d4                      ; 21e cmpq %rdx, %r12
			0f 85 c3 02 00 00             ; 221 jne 0x4ea <bad>
			48 8d 50 1d                   ; 227 leaq 29(%rax), %rdx
			49 39 d5                      ; 22b cmpq %rdx, %r13
			0f 85 b6 02 00 00             ; 22e jne 0x4ea <bad>
			48 8d 50 1e                   ; 234 leaq 30(%rax), %rdx
			49 39 d6                      ; 238 cmpq %rdx, %r14
			0f 85 a9 02 00 00             ; 23b jne 0x4ea <bad>
			48 8d 50 1f                   ; 241 leaq 31(%rax), %rdx
			49 39 d7                      ; 245 cmpq %rdx, %r15
			0f 85 9c 02 00 00             ; 248 jne 0x4ea <bad>
			48 39 63 38                   ; 24e cmpq %rsp, 56(%rbx)
			0f 85 92 02 00 00             ; 252 jne 0x4ea <bad>
			0f ae 5b 20                   ; 258 stmxcsr 32(%rbx)
			8b 43 20                      ; 25c movl 32(%rbx), %eax
			33 83 18 10 00 00             ; 25f xorl 4120(%rbx), %eax
			a9 c0 ff 00 00                ; 265 testl $65472, %eax
			0f 85 7a 02 00 00             ; 26a jne 0x4ea <bad>
			d9 7b 20                      ; 270 fnstcw 32(%rbx)
			66 8b 43 20                   ; 273 movw 32(%rbx), %ax
			66 39 83 00 10 00 00          ; 277 cmpw %ax, 4096(%rbx)
			0f 85 66 02 00 00             ; 27e jne 0x4ea <bad>
			48 ff 03                      ; 284 incq (%rbx)
			e9 ea fe ff ff                ; 287 jmp 0x176 <vdso>
			                              ; spin:
			bd 40 00 00 00                ; 28c movl $64, %ebp
			31 f6                         ; 291 xorl %esi, %esi
			41 bc 4d 00 00 00             ; 293 movl $77, %r12d
			48 8d 05 5c 00 00 00          ; 299 leaq 92(%rip), %rax # 0x2fc <f>
			ff d0                         ; 2a0 callq *%rax
			e8 59 00 00 00                ; 2a2 callq 0x300 <g>
			48 8d 15 02 00 00 00          ; 2a7 leaq 2(%rip), %rdx # 0x2b0 <spin+0x24>
			ff e2                         ; 2ae jmpq *%rdx
			ff cd                         ; 2b0 decl %ebp
			75 e5                         ; 2b2 jne 0x299 <spin+0xd>
			81 fe 00 02 00 00             ; 2b4 cmpl $512, %esi
			0f 85 2a 02 00 00             ; 2ba jne 0x4ea <bad>
			41 83 fc 4d                   ; 2c0 cmpl $77, %r12d
			0f 85 20 02 00 00             ; 2c4 jne 0x4ea <bad>
			64 48 8b 04 25 20 00 00 00    ; 2ca movq %fs:32, %rax
			48 39 d8                      ; 2d3 cmpq %rbx, %rax
			0f 85 0e 02 00 00             ; 2d6 jne 0x4ea <bad>
			64 48 ff 04 25 28 00 00 00    ; 2dc incq %fs:40
			48 ff 03                      ; 2e5 incq (%rbx)
			64 48 8b 04 25 28 00 00 00    ; 2e8 movq %fs:40, %rax
			48 39 03                      ; 2f1 cmpq %rax, (%rbx)
			0f 85 f0 01 00 00             ; 2f4 jne 0x4ea <bad>
			eb 90                         ; 2fa jmp 0x28c <spin>
			                              ; f:
			83 c6 03                      ; 2fc addl $3, %esi
			c3                            ; 2ff retq
			                              ; g:
			41 54                         ; 300 pushq %r12
			83 c6 04                      ; 302 addl $4, %esi
			45 31 e4                      ; 305 xorl %r12d, %r12d
			e8 03 00 00 00                ; 308 callq 0x310 <h>
			41 5c                         ; 30d popq %r12
			c3                            ; 30f retq
			                              ; h:
			ff c6                         ; 310 incl %esi
			c3                            ; 312 retq
			                              ; jit:
			83 3c 25 00 00 ff 52 00       ; 313 cmpl $0, 1392443392
			0f 85 c8 01 00 00             ; 31b jne 0x4e9 <done>
			48 8b 7b 50                   ; 321 movq 80(%rbx), %rdi
			be 00 10 00 00                ; 325 movl $4096, %esi
			ba 06 00 00 00                ; 32a movl $6, %edx
			b8 23 00 00 00                ; 32f movl $35, %eax
			0f 05                         ; 334 syscall
			0f 82 ae 01 00 00             ; 336 jb 0x4ea <bad>
			48 8b 03                      ; 33c movq (%rbx), %rax
			89 47 01                      ; 33f movl %eax, 1(%rdi)
			ba 05 00 00 00                ; 342 movl $5, %edx
			b8 23 00 00 00                ; 347 movl $35, %eax
			0f 05                         ; 34c syscall
			0f 82 96 01 00 00             ; 34e jb 0x4ea <bad>
			ff d7                         ; 354 callq *%rdi
			39 03                         ; 356 cmpl %eax, (%rbx)
			0f 85 8c 01 00 00             ; 358 jne 0x4ea <bad>
			48 ff 03                      ; 35e incq (%rbx)
			eb b0                         ; 361 jmp 0x313 <jit>
			                              ; alias:
			83 3c 25 00 00 ff 52 00       ; 363 cmpl $0, 1392443392
			0f 85 78 01 00 00             ; 36b jne 0x4e9 <done>
			48 8b 7b 58                   ; 371 movq 88(%rbx), %rdi
			48 8b 03                      ; 375 movq (%rbx), %rax
			89 47 01                      ; 378 movl %eax, 1(%rdi)
			ff 53 50                      ; 37b callq *80(%rbx)
			39 03                         ; 37e cmpl %eax, (%rbx)
			0f 85 64 01 00 00             ; 380 jne 0x4ea <bad>
			48 ff 03                      ; 386 incq (%rbx)
			eb d8                         ; 389 jmp 0x363 <alias>
			                              ; tcb:
			83 3c 25 00 00 ff 52 00       ; 38b cmpl $0, 1392443392
			0f 85 50 01 00 00             ; 393 jne 0x4e9 <done>
			8b 03                         ; 399 movl (%rbx), %eax
			83 e0 01                      ; 39b andl $1, %eax
			c1 e0 08                      ; 39e shll $8, %eax
			48 8d bc 03 00 02 00 00       ; 3a1 leaq 512(%rbx,%rax), %rdi
			49 89 fc                      ; 3a9 movq %rdi, %r12
			b8 37 00 00 00                ; 3ac movl $55, %eax
			0f 05                         ; 3b1 syscall
			0f 82 31 01 00 00             ; 3b3 jb 0x4ea <bad>
			64 48 8b 04 25 00 00 00 00    ; 3b9 movq %fs:0, %rax
			49 39 c4                      ; 3c2 cmpq %rax, %r12
			0f 85 1f 01 00 00             ; 3c5 jne 0x4ea <bad>
			f3 48 0f ae c0                ; 3cb rdfsbaseq %rax
			49 39 c4                      ; 3d0 cmpq %rax, %r12
			0f 85 11 01 00 00             ; 3d3 jne 0x4ea <bad>
			64 48 ff 04 25 08 00 00 00    ; 3d9 incq %fs:8
			48 ff 03                      ; 3e2 incq (%rbx)
			48 8b 83 08 02 00 00          ; 3e5 movq 520(%rbx), %rax
			48 03 83 08 03 00 00          ; 3ec addq 776(%rbx), %rax
			48 39 03                      ; 3f3 cmpq %rax, (%rbx)
			0f 85 ee 00 00 00             ; 3f6 jne 0x4ea <bad>
			eb 8d                         ; 3fc jmp 0x38b <tcb>
			                              ; read:
			48 8d bb 00 01 00 00          ; 3fe leaq 256(%rbx), %rdi
			48 8d b3 80 01 00 00          ; 405 leaq 384(%rbx), %rsi
			ba 01 00 00 00                ; 40c movl $1, %edx
			b8 27 00 00 00                ; 411 movl $39, %eax
			0f 05                         ; 416 syscall
			0f 82 cc 00 00 00             ; 418 jb 0x4ea <bad>
			48 83 f8 01                   ; 41e cmpq $1, %rax
			0f 85 c2 00 00 00             ; 422 jne 0x4ea <bad>
			8b 7b 60                      ; 428 movl 96(%rbx), %edi
			48 8d 73 70                   ; 42b leaq 112(%rbx), %rsi
			ba 01 00 00 00                ; 42f movl $1, %edx
			48 8d 8b 80 00 00 00          ; 434 leaq 128(%rbx), %rcx
			ff 53 08                      ; 43b callq *8(%rbx)
			85 c0                         ; 43e testl %eax, %eax
			0f 85 a4 00 00 00             ; 440 jne 0x4ea <bad>
			48 83 bb 80 00 00 00 01       ; 446 cmpq $1, 128(%rbx)
			0f 85 96 00 00 00             ; 44e jne 0x4ea <bad>
			8a 83 90 00 00 00             ; 454 movb 144(%rbx), %al
			38 03                         ; 45a cmpb %al, (%rbx)
			0f 85 88 00 00 00             ; 45c jne 0x4ea <bad>
			48 ff 03                      ; 462 incq (%rbx)
			8b 7b 60                      ; 465 movl 96(%rbx), %edi
			48 8d 73 70                   ; 468 leaq 112(%rbx), %rsi
			ba 01 00 00 00                ; 46c movl $1, %edx
			b8 0a 00 00 00                ; 471 movl $10, %eax
			0f 05                         ; 476 syscall
			72 70                         ; 478 jb 0x4ea <bad>
			48 83 f8 01                   ; 47a cmpq $1, %rax
			75 6a                         ; 47e jne 0x4ea <bad>
			8a 83 90 00 00 00             ; 480 movb 144(%rbx), %al
			38 03                         ; 486 cmpb %al, (%rbx)
			75 60                         ; 488 jne 0x4ea <bad>
			48 ff 03                      ; 48a incq (%rbx)
			e9 6c ff ff ff                ; 48d jmp 0x3fe <read>
			                              ; lock:
			48 8d bb 00 01 00 00          ; 492 leaq 256(%rbx), %rdi
			48 8d b3 80 01 00 00          ; 499 leaq 384(%rbx), %rsi
			ba 01 00 00 00                ; 4a0 movl $1, %edx
			b8 27 00 00 00                ; 4a5 movl $39, %eax
			0f 05                         ; 4aa syscall
			72 3c                         ; 4ac jb 0x4ea <bad>
			48 83 f8 01                   ; 4ae cmpq $1, %rax
			75 36                         ; 4b2 jne 0x4ea <bad>
			66 83 bb 88 01 00 00 00       ; 4b4 cmpw $0, 392(%rbx)
			75 2c                         ; 4bc jne 0x4ea <bad>
			48 8b 04 25 80 00 ff 52       ; 4be movq 1392443520, %rax
			48 ff c0                      ; 4c6 incq %rax
			48 ff 03                      ; 4c9 incq (%rbx)
			48 89 04 25 80 00 ff 52       ; 4cc movq %rax, 1392443520
			bf 40 00 ff 52                ; 4d4 movl $1392443456, %edi
			be 04 00 00 00                ; 4d9 movl $4, %esi
			b8 1f 00 00 00                ; 4de movl $31, %eax
			0f 05                         ; 4e3 syscall
			72 03                         ; 4e5 jb 0x4ea <bad>
			eb a9                         ; 4e7 jmp 0x492 <lock>
			                              ; done:
			cc                            ; 4e9 int3
			                              ; bad:
			0f 0b                         ; 4ea ud2
`
