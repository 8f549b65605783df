/* Wine 8 has no bcryptprimitives.dll, from which Go's runtime takes its random bytes.
   SystemFunction036 of advapi32 is RtlGenRandom. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) {
	return SystemFunction036(buffer, (ULONG)length);
}
