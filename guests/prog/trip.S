// Loads a whole register state, makes a trip, stores the state found (trip.h).
// Assembly, because no register may be left to a compiler between the two.
//
// In: rdi = state to load, rsi = state to store, rdx = USE_ bits, rcx = target.
// Callee-saved registers, mxcsr and the x87 control word are the caller's again
// at the end. rsp has the alignment of a C call during the trip, and is the one
// register that must come back by itself: everything else is found through it.

// Offsets in struct state.
.set RAX, 0
.set RCX, 8
.set RDX, 16
.set RBX, 24
.set RBP, 40
.set RSI, 48
.set RDI, 56
.set FLAGS, 128
.set MXCSR, 136
.set CONTROL, 140
.set X87, 144
.set MASK, 272
.set BELOW, 336
.set VECTOR, 512

.set USE_AVX, 1
.set USE_AVX512, 2
.set USE_X87, 4

// Offsets in the frame.
.set TARGET, 0
.set BACK, 8
.set OUT, 16
.set SPARE, 24
.set USE, 32
.set OWN_MXCSR, 40
.set OWN_CONTROL, 44
.set FRAME, 88

.text

// load_vectors and store_vectors take the state in \at and the USE_ bits in dl.
.macro load_vectors at
  test $USE_AVX512, %dl
  jnz 2f
  test $USE_AVX, %dl
  jnz 1f
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movaps VECTOR+64*\i(\at), %xmm\i
  .endr
  jmp 3f
1:
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovaps VECTOR+64*\i(\at), %ymm\i
  .endr
  jmp 3f
2:
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  vmovaps VECTOR+64*\i(\at), %zmm\i
  .endr
  .irp i, 0,1,2,3,4,5,6,7
  kmovq MASK+8*\i(\at), %k\i
  .endr
3:
.endm

.macro store_vectors at
  test $USE_AVX512, %dl
  jnz 2f
  test $USE_AVX, %dl
  jnz 1f
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movaps %xmm\i, VECTOR+64*\i(\at)
  .endr
  jmp 3f
1:
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovaps %ymm\i, VECTOR+64*\i(\at)
  .endr
  vzeroupper
  jmp 3f
2:
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  vmovaps %zmm\i, VECTOR+64*\i(\at)
  .endr
  .irp i, 0,1,2,3,4,5,6,7
  kmovq %k\i, MASK+8*\i(\at)
  .endr
  vzeroupper
3:
.endm

.macro trip name, transfer:vararg
.globl \name
.hidden \name
.type \name, @function
\name:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  sub $FRAME, %rsp
  mov %rcx, TARGET(%rsp)
  lea 9f(%rip), %rax
  mov %rax, BACK(%rsp)
  mov %rsi, OUT(%rsp)
  mov %rdx, USE(%rsp)
  stmxcsr OWN_MXCSR(%rsp)
  fnstcw OWN_CONTROL(%rsp)

  load_vectors %rdi
  test $USE_X87, %dl
  jz 8f
  .irp i, 7,6,5,4,3,2,1,0
  fldt X87+16*\i(%rdi)
  .endr
8:
  fldcw CONTROL(%rdi)
  ldmxcsr MXCSR(%rdi)
  pushq FLAGS(%rdi)
  popfq
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  mov BELOW+8*\i(%rdi), %rax
  mov %rax, -128+8*\i(%rsp)
  .endr
  mov RAX(%rdi), %rax
  mov RCX(%rdi), %rcx
  mov RDX(%rdi), %rdx
  mov RBX(%rdi), %rbx
  mov RBP(%rdi), %rbp
  mov RSI(%rdi), %rsi
  .irp i, 8,9,10,11,12,13,14,15
  mov 8*\i(%rdi), %r\i
  .endr
  mov RDI(%rdi), %rdi

  \transfer
9:
  // Moves only, until the flags are stored.
  mov %rax, SPARE(%rsp)
  mov OUT(%rsp), %rax
  mov %rcx, RCX(%rax)
  mov %rdx, RDX(%rax)
  mov %rbx, RBX(%rax)
  mov %rbp, RBP(%rax)
  mov %rsi, RSI(%rax)
  mov %rdi, RDI(%rax)
  .irp i, 8,9,10,11,12,13,14,15
  mov %r\i, 8*\i(%rax)
  .endr
  mov SPARE(%rsp), %rcx
  mov %rcx, RAX(%rax)
  .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  mov -128+8*\i(%rsp), %rcx
  mov %rcx, BELOW+8*\i(%rax)
  .endr
  pushfq
  pop %rcx
  mov %rcx, FLAGS(%rax)
  pushq $2
  popfq

  mov USE(%rsp), %rdx
  stmxcsr MXCSR(%rax)
  ldmxcsr OWN_MXCSR(%rsp)
  fnstcw CONTROL(%rax)
  test $USE_X87, %dl
  jz 8f
  .irp i, 0,1,2,3,4,5,6,7
  fstpt X87+16*\i(%rax)
  .endr
8:
  fldcw OWN_CONTROL(%rsp)
  store_vectors %rax
  add $FRAME, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size \name, . - \name
.endm

#if GENERATION <= 2
trip trip_syscall, syscall
#else
trip trip_call, call *TARGET(%rsp)
#endif
trip trip_jump, jmp *TARGET(%rsp)

.section .note.GNU-stack,"",@progbits
